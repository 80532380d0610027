/** An order is taken at once; what came of it is read from `state`. */
export interface OrderReceipt {
  accepted: true;
  orderId: string;
}
