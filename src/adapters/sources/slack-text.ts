/** What Slack escapes in texts; everything else stands as it was typed. */
const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/**
 * The text of a message as people see it: `<https://a.example|the guide>` is `the guide`, a bare link is its address,
 * `<#C1|general>` is `#general`, `<!here>` is `@here`, and people are `@` with the name or else the id that is given.
 */
export function plainText(text: string): string {
  const unlinked = text.replaceAll(
    /<((?:[#@!]|[a-z][a-z0-9+.-]*:)[^<>|]+)(?:\|([^<>]*))?>/gi,
    (_, target: string, label: string | undefined) => shown(target, label === "" ? undefined : label),
  );
  return unlinked.replaceAll(/&(?:lt|gt|amp);/g, (entity) => entities[entity] ?? entity);
}

function shown(target: string, label: string | undefined): string {
  switch (target.charAt(0)) {
    case "#":
      return `#${label ?? target.slice(1)}`;
    case "@":
      return `@${label ?? target.slice(1)}`;
    case "!":
      // `<!date^1700000000^{date}|yesterday>` and `<!subteam^S1|@helpers>` bring what to show.
      return label ?? `@${target.slice(1).replace(/^subteam\^/, "")}`;
    default:
      return label ?? target.replace(/^(?:mailto|tel):/, "");
  }
}
