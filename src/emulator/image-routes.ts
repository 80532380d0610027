import type { Hono } from "hono";
import { z } from "zod";
import type { EmulatorEnv } from "./guard.ts";
import { buildAnswer, imageAnswer, imageListAnswer, type Images } from "./images.ts";
import { newId } from "./ids.ts";
import { page } from "./paging.ts";

const searchSchema = z.object({
  name: z.object({ equals: z.string().optional(), contains: z.string().optional() }).default({}),
  paging: z.object({ count: z.int().optional(), paging_token: z.string().nullish() }).optional(),
});
const createSchema = z.object({ name: z.string().min(1), anonymous: z.boolean().default(false) });
const buildSchema = z.object({
  cluster_environment_id: z.string(),
  containerfile: z.string().min(1),
  ray_version: z.string().nullish(),
});
const imageUriSchema = z.object({
  image_uri: z.string().min(1),
  ray_version: z.string().nullish(),
  cluster_env_name: z.string().nullish(),
});

/** Images and their builds: the wire calls an image a cluster environment, or an application template. */
export function addImages(app: Hono<EmulatorEnv>, { images }: { images: Images }): void {
  app.post("/api/v2/builds/get_or_create_build_from_image_uri", (c) => {
    const { image_uri: uri, ray_version: rayVersion, cluster_env_name: name } = imageUriSchema.parse(c.get("body"));
    return c.json({ result: buildAnswer(images.fromUri(uri, { name, rayVersion })) });
  });
  app.get("/api/v2/application_templates/", (c) => {
    const { name_contains: contains, count, paging_token: token } = c.req.query();
    return c.json(page(images.search({ contains }).map(imageListAnswer), count, token));
  });
  const environments = "/ext/v0/cluster_environments";
  app.post(`${environments}/search`, (c) => {
    const { name, paging } = searchSchema.parse(c.get("body"));
    const count = paging?.count === undefined ? undefined : String(paging.count);
    return c.json(page(images.search(name).map(imageAnswer), count, paging?.paging_token ?? undefined));
  });
  app.post(`${environments}/`, (c) => {
    const { name, anonymous } = createSchema.parse(c.get("body"));
    return c.json({ result: imageAnswer(images.create(name, anonymous)) });
  });
  app.get(`${environments}/:id`, (c) => c.json({ result: imageAnswer(images.image(c.req.param("id"))) }));

  const builds = "/ext/v0/cluster_environment_builds";
  app.get(`${builds}/default`, (c) => {
    const { ray_version: ray, python_version: python } = c.req.query();
    return c.json({ result: buildAnswer(images.defaultBuild(ray, python)) });
  });
  app.get(`${builds}/`, (c) => {
    const { cluster_environment_id: id = "", desc, count, paging_token: token } = c.req.query();
    const image = images.image(id);
    const found = image.builds.map((build) => buildAnswer([image, build]));
    return c.json(page(desc?.toLowerCase() === "true" ? found.toReversed() : found, count, token));
  });
  app.post(`${builds}/`, (c) => {
    const { cluster_environment_id: id, containerfile, ray_version: ray } = buildSchema.parse(c.get("body"));
    const image = images.image(id);
    const rayVersion = ray ?? images.defaultBuild()[1].rayVersion;
    const build = images.addBuild(image, { imageUri: null, containerfile, rayVersion });
    const result = { id: newId("op"), completed: true, cluster_environment_build_id: build.id };
    return c.json({ result: { ...result, cluster_environment_id: id, progress: null, result: null } });
  });
  app.get(`${builds}/:id`, (c) => c.json({ result: buildAnswer(images.build(c.req.param("id"))) }));
}
