/**
 * Words of the generated sample data. Every list is ordered from common to rare: the generator draws by Zipf's law, so a
 * small sample misses the ends of the lists. All of it was written for this project.
 */

/** How a value is worded: before the noun, after it, or as what "it" does. `{v}` stands for the value. */
export interface Wordings {
  before: readonly string[];
  after: readonly string[];
}

/** Values of one attribute with their wordings. */
export type ValueWordings = Readonly<Record<string, Wordings>>;

/** Attributes whose value is one of a few, or several of them (`genres`, `perspective`). */
export const WORDED: Readonly<
  Record<"esrb" | "rating" | "genres" | "player_perspective" | "has_multiplayer", ValueWordings>
> = {
  esrb: {
    "E (for Everyone)": {
      before: ["E rated", "family-friendly"],
      after: [
        "rated E (for Everyone)",
        "for all ages",
        "with an E rating",
        "suited to everyone",
        "the kids can play too",
      ],
    },
    "T (for Teen)": {
      before: ["T rated"],
      after: ["rated T (for Teen)", "with a Teen rating", "for teenagers", "meant for thirteen and up"],
    },
    "M (for Mature)": {
      before: ["M rated", "adults-only"],
      after: ["rated M (for Mature)", "with an M rating", "for grown-ups only", "kept away from kids"],
    },
  },
  rating: {
    excellent: {
      before: ["excellent", "brilliant", "outstanding", "superb", "phenomenal", "flawless"],
      after: ["with top marks everywhere", "beyond all praise", "nobody should miss"],
    },
    good: {
      before: ["good", "fun", "solid", "enjoyable", "likeable", "well-made"],
      after: ["well worth the price", "that most people like", "with plenty going for it"],
    },
    average: {
      before: ["average", "decent", "okay", "so-so", "middling", "unremarkable"],
      after: ["neither great nor awful", "with mixed reviews", "that you forget in a week"],
    },
    poor: {
      before: ["bad", "poor", "weak", "terrible", "disappointing", "clumsy"],
      after: ["panned by everyone", "not worth the money", "with nothing to redeem it"],
    },
  },
  genres: {
    action: {
      before: ["action", "fast-paced action", "button-mashing"],
      after: ["full of action", "where something always explodes"],
    },
    adventure: {
      before: ["adventure", "exploration"],
      after: ["with a long journey to make", "about finding your way"],
    },
    puzzle: { before: ["puzzle", "brain-teasing"], after: ["built on puzzles", "where you crack riddles"] },
    platformer: { before: ["platformer", "jump-and-run", "platforming"], after: ["with a lot of jumping"] },
    "driving/racing": {
      before: ["racing", "driving", "motorsport"],
      after: ["about racing cars", "where you burn rubber"],
    },
    simulation: { before: ["simulation", "simulator", "sim"], after: ["with every detail simulated"] },
    strategy: { before: ["strategy", "strategic"], after: ["where you plan every move", "of careful strategy"] },
    "role-playing": {
      before: ["role-playing", "RPG"],
      after: ["where you level up a party", "with deep role-playing"],
    },
    shooter: { before: ["shooter", "shooting", "gunplay"], after: ["with all kinds of guns"] },
    stealth: { before: ["stealth", "sneaking"], after: ["where you hide in the dark"] },
  },
  player_perspective: {
    "first person": {
      before: ["first-person", "FPP"],
      after: ["in first person", "seen through the eyes of the hero", "with a first person view"],
    },
    "third person": {
      before: ["third-person", "over-the-shoulder"],
      after: ["in third person", "with the camera behind the hero", "played in the third person"],
    },
    "bird view": {
      before: ["top-down", "overhead"],
      after: ["seen from above", "with a bird's eye view", "where you look down on the map"],
    },
    "side view": {
      before: ["side-scrolling", "2D"],
      after: ["seen from the side", "with a side view", "scrolling from left to right"],
    },
  },
  has_multiplayer: {
    yes: {
      before: ["multiplayer", "co-op", "online"],
      after: ["with multiplayer", "that you can play with friends", "with a mode for two", "made for company"],
    },
    no: {
      before: ["single-player", "solo"],
      after: ["without multiplayer", "that you play alone", "with no multiplayer", "just for one"],
    },
  },
};

/** Wordings of values that are copied: `{v}` is the value. */
export const COPIED: Readonly<Record<"release_year" | "developer" | "platforms", readonly string[]>> = {
  release_year: [
    "from {v}",
    "released in {v}",
    "that came out in {v}",
    "made back in {v}",
    "that appeared in {v}",
    "dating from {v}",
  ],
  developer: ["by {v}", "made by {v}", "from {v}", "developed by {v}", "that {v} made", "out of the {v} studio"],
  platforms: ["for {v}", "on {v}", "running on {v}", "playable on {v}", "that you can get for {v}"],
};

/** Shops and systems that are there (`{v}`: a list with "and") or not (a list with "or"). */
export const STORES: Readonly<Record<"yes" | "no", readonly string[]>> = {
  yes: ["available on {v}", "to be had on {v}", "with a version on {v}", "with {v} support", "sold on {v}"],
  no: [
    "not available on {v}",
    "without support for {v}",
    "missing on {v}",
    "never released on {v}",
    "that you won't find on {v}",
  ],
};

/** What somebody did to a game, by what they think of it: past, present. */
export const OPINIONS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  excellent: [
    ["loved", "love"],
    ["adored", "adore"],
    ["could not put down", "rave about"],
    ["were blown away by", "worship"],
  ],
  good: [
    ["enjoyed", "enjoy"],
    ["liked", "like"],
    ["had fun with", "have fun with"],
    ["took to", "favour"],
  ],
  average: [
    ["did not mind", "do not mind"],
    ["were lukewarm about", "shrug at"],
    ["felt neutral about", "feel neutral about"],
  ],
  poor: [
    ["hated", "hate"],
    ["disliked", "dislike"],
    ["could not stand", "cannot stand"],
    ["were let down by", "avoid"],
  ],
};

/** Parts of names, some with numbers and years of their own. */
export const NAME_PARTS = {
  first: [
    "Ember",
    "Hollow",
    "Silent",
    "Copper",
    "Northern",
    "Glass",
    "Velvet",
    "Iron",
    "Lantern",
    "Crooked",
    "Paper",
    "Salt",
    "Winter",
    "Amber",
    "Broken",
    "Midnight",
    "Cobalt",
    "Thistle",
  ],
  second: [
    " Harbour",
    " Orbit",
    " Kingdom",
    " Circuit",
    " Garden",
    " Vanguard",
    " Drift",
    " Tactics",
    " Chronicle",
    " Riders",
    " Station",
    " Protocol",
    " Meadow",
    " Siege",
    " Express",
    " Empire",
  ],
  end: [
    "",
    "",
    "",
    " II",
    " 3",
    ": The Long Way Home",
    " 2049",
    " of the Deep",
    ": Racing Legends",
    " 1986",
    " Online",
    ": Shadow of Steel",
  ],
  studio: [
    "Nine Owls",
    "Tall Ship",
    "Blue Kettle",
    "Marrow",
    "Second Breakfast",
    "Kestrel",
    "Old Bridge",
    "Pixel Foundry",
    "Farside",
    "Quiet Storm",
    "Red Ladder",
    "Tin Whistle",
  ],
  studioEnd: [" Games", " Studios", " Interactive", " Works", "", " Entertainment"],
} as const;

/** Qualities that a question asks for; copied into the frame. */
export const SPECIFIERS = [
  "scary",
  "relaxing",
  "challenging",
  "addictive",
  "weird",
  "overrated",
  "funny",
  "emotional",
  "underrated",
  "confusing",
  "colourful",
  "inspiring",
  "memorable",
  "violent",
  "cosy",
  "expensive",
  "clever",
  "frustrating",
  "atmospheric",
  "unusual",
  "replayable",
  "old-fashioned",
  "beautiful",
  "boring",
  "stressful",
  "charming",
  "original",
  "exhausting",
  "silly",
  "gloomy",
] as const;
