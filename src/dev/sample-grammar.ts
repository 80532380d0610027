/**
 * Words and sentences of the generated sample data. Every list is ordered from common to rare: the generator draws by
 * Zipf's law, so a small sample misses the ends of the lists. All of it was written for this project.
 */

/** How a value is worded: before the noun, after it, or as what "it" does. `{v}` stands for the value. */
export interface Wordings {
  before: readonly string[];
  after: readonly string[];
}

/** Values of one attribute with their wordings. */
export type ValueWordings = Readonly<Record<string, Wordings>>;

/** Attributes whose value is one of a few, or several of them (`genres`, `perspective`). */
export const WORDED: Readonly<Record<"esrb" | "rating" | "genres" | "player_perspective" | "has_multiplayer", ValueWordings>> = {
  esrb: {
    "E (for Everyone)": {
      before: ["E rated", "family-friendly"],
      after: ["rated E (for Everyone)", "for all ages", "with an E rating", "that suits everyone", "the kids can play too"],
    },
    "T (for Teen)": {
      before: ["T rated"],
      after: ["rated T (for Teen)", "with a Teen rating", "for teenagers", "meant for thirteen and up"],
    },
    "M (for Mature)": {
      before: ["M rated", "adults-only"],
      after: ["rated M (for Mature)", "with an M rating", "for grown-ups only", "that is nothing for kids"],
    },
  },
  rating: {
    excellent: {
      before: ["excellent", "brilliant", "outstanding", "superb", "phenomenal", "flawless"],
      after: ["that gets top marks everywhere", "I would call a masterpiece", "nobody should miss"],
    },
    good: {
      before: ["good", "fun", "solid", "enjoyable", "likeable", "well-made"],
      after: ["that is well worth its price", "that most people like", "with plenty going for it"],
    },
    average: {
      before: ["average", "decent", "okay", "so-so", "middling", "unremarkable"],
      after: ["that is neither great nor awful", "with mixed reviews", "you forget in a week"],
    },
    poor: {
      before: ["bad", "poor", "weak", "terrible", "disappointing", "clumsy"],
      after: ["that was panned by everyone", "that is a waste of money", "with nothing to redeem it"],
    },
  },
  genres: {
    action: { before: ["action", "fast-paced action", "button-mashing"], after: ["full of action", "where something always explodes"] },
    adventure: { before: ["adventure", "exploration"], after: ["that is one long adventure", "about finding your way"] },
    puzzle: { before: ["puzzle", "brain-teasing"], after: ["built on puzzles", "where you crack riddles"] },
    platformer: { before: ["platformer", "jump-and-run", "platforming"], after: ["with a lot of jumping"] },
    "driving/racing": { before: ["racing", "driving", "motorsport"], after: ["about racing cars", "where you burn rubber"] },
    simulation: { before: ["simulation", "simulator", "sim"], after: ["that simulates every detail"] },
    strategy: { before: ["strategy", "strategic"], after: ["where you plan every move", "of careful strategy"] },
    "role-playing": { before: ["role-playing", "RPG"], after: ["where you level up a party", "with deep role-playing"] },
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
      after: ["seen from the side", "with a side view", "that scrolls from left to right"],
    },
  },
  has_multiplayer: {
    yes: {
      before: ["multiplayer", "co-op", "online"],
      after: ["with multiplayer", "you can play with friends", "with a mode for two", "that is best in company"],
    },
    no: {
      before: ["single-player", "solo"],
      after: ["without multiplayer", "you play alone", "with no multiplayer", "that is just for one"],
    },
  },
};

/** Wordings of values that are copied: `{v}` is the value. */
export const COPIED: Readonly<Record<"release_year" | "developer" | "platforms", readonly string[]>> = {
  release_year: ["from {v}", "released in {v}", "that came out in {v}", "made back in {v}", "of {v}", "dating from {v}"],
  developer: ["by {v}", "made by {v}", "from {v}", "developed by {v}", "{v} made", "out of the {v} studio"],
  platforms: ["for {v}", "on {v}", "that runs on {v}", "playable on {v}", "you can get for {v}"],
};

/** Shops and systems that are there (`{v}`: a list with "and") or not (a list with "or"). */
export const STORES: Readonly<Record<"yes" | "no", readonly string[]>> = {
  yes: ["available on {v}", "that is on {v}", "with a version on {v}", "with {v} support", "sold on {v}"],
  no: ["not available on {v}", "without support for {v}", "that isn't on {v}", "never released on {v}", "you won't find on {v}"],
};

/** What somebody did to a game, by what they think of it: past, present. */
export const OPINIONS: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  excellent: [["loved", "love"], ["adored", "adore"], ["could not put down", "rave about"], ["were blown away by", "worship"]],
  good: [["enjoyed", "enjoy"], ["liked", "like"], ["had fun with", "have fun with"], ["took to", "favour"]],
  average: [["did not mind", "do not mind"], ["were lukewarm about", "shrug at"], ["felt neutral about", "feel neutral about"]],
  poor: [["hated", "hate"], ["disliked", "dislike"], ["could not stand", "cannot stand"], ["were let down by", "avoid"]],
};

/** Sentences per function. `{a}` is one game with its article, `{the}` with "the", `{one}` without, `{many}` several games. */
export const SENTENCES: Readonly<Record<string, readonly string[]>> = {
  inform: [
    "{name} is {a}.",
    "{name} is {a}, in case you wonder.",
    "There is also {name}, {a}.",
    "With {name} you get {a}.",
    "If you look for {a}, {name} is one.",
    "{name}? That is {a}.",
    "What you describe is {name}, {a}.",
    "One to know is {name}: {a}.",
  ],
  give_opinion: [
    "I {past} {name}, {a}.",
    "I {past} {name}. It is {a}.",
    "To me {name} is {a}, and I {past} it.",
    "As {a}, {name} is one I {past}.",
    "My take: I {past} {name}, which is {a}.",
    "People may differ, but I {past} {name}, {a}.",
  ],
  recommend: [
    "Have you ever tried {name}? It is {a}.",
    "Since you like {many}, have you played {name}?",
    "Have you heard of {name}, {a}?",
    "Do you know {name}? I think it is {a}.",
    "Speaking of {many}, did you ever play {name}?",
    "You seem to be into {many}. Ever given {name} a go?",
  ],
  suggest: [
    "Do you play {many}, such as {name}?",
    "Do you like {many}, for example {name}?",
    "Are you into {many} like {name}?",
    "What do you think of {many}, such as {name}?",
    "Are you a fan of {many}, say {name}?",
    "How do you feel about {many} along the lines of {name}?",
  ],
  confirm: [
    "Do you mean {name}, {the}?",
    "You are talking about {name}, {the}, right?",
    "Are you thinking of {name}, {a}?",
    "Just to be sure, is it {name}, {the}?",
    "Wait, {name}? You mean {the}?",
    "Would that be {name}, {the}?",
  ],
  verify_attribute: [
    "You said that you {past} {name}. Do you often play {many}?",
    "I remember you {past} {name}. Do you like {many} in general?",
    "You told me you {past} {name}. Are you a fan of {many}?",
    "So you {past} {name}. Is that how you feel about {many}?",
    "Last time you {past} {name}. Are {many} usually your thing?",
    "I recall that you {past} {name}. Was that because you play {many}?",
  ],
  request: [
    "What is the {specifier} {one} you know?",
    "Which {one} is the {specifier}?",
    "Do you know a {specifier} {one}?",
    "Can you name {many} that are {specifier}?",
    "What {one} would you call {specifier}?",
    "Have you played {many} lately that felt {specifier}?",
  ],
  request_explanation: [
    "Why do you {present} {many}?",
    "What is it about {many} that makes you {present} them?",
    "How come you {present} {many}?",
    "You always {present} {many}. What is the reason?",
    "Could you tell me why you {present} {many}?",
    "What makes people like you {present} {many} so much?",
  ],
};

/** Questions for one attribute, which gets the empty value. */
export const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  release_year: ["Do you care about when a game came out?", "Which year had the best games?", "Are you into older or newer games?"],
  developer: ["Is there a studio you trust?", "Whose games do you buy without thinking?", "Do you follow any developers?"],
  esrb: ["Do you look at the age rating of a game?", "Does it matter to you who a game is rated for?"],
  genres: ["What kind of games do you play?", "Is there a genre you prefer?", "What genre do you never get tired of?"],
  player_perspective: ["Do you have a favourite point of view in games?", "Which camera do you like to play with?"],
  has_multiplayer: ["Do you play alone or with others?", "How much do you care about multiplayer?", "Is playing together important to you?"],
  platforms: ["What do you play your games on?", "Which console do you own?", "Do you use a PC or a console?"],
  available_on_steam: ["Do you buy your games on Steam?", "Does a game have to be on Steam for you?"],
  has_linux_release: ["Do you play on Linux?", "Does a Linux version matter to you?"],
  has_mac_release: ["Do you play on a Mac?", "Do you need your games to run on a Mac?"],
};

/** Parts of names, some with numbers and years of their own. */
export const NAME_PARTS = {
  first: ["Ember", "Hollow", "Silent", "Copper", "Northern", "Glass", "Velvet", "Iron", "Lantern", "Crooked", "Paper", "Salt", "Winter", "Amber", "Broken", "Midnight", "Cobalt", "Thistle"],
  second: ["Harbour", "Orbit", "Kingdom", "Circuit", "Garden", "Vanguard", "Drift", "Tactics", "Chronicle", "Riders", "Station", "Protocol", "Meadow", "Siege", "Express", "Empire"],
  end: ["", "", "", " II", " 3", ": The Long Way Home", " 2049", " of the Deep", ": Racing Legends", " 1986", " Online", ": Shadow of Steel"],
  studio: ["Nine Owls", "Tall Ship", "Blue Kettle", "Marrow", "Second Breakfast", "Kestrel", "Old Bridge", "Pixel Foundry", "Farside", "Quiet Storm", "Red Ladder", "Tin Whistle"],
  studioEnd: [" Games", " Studios", " Interactive", " Works", "", " Entertainment"],
} as const;

/** Words that ask for an extreme or a quality; copied into the frame. */
export const SPECIFIERS = [
  "scariest", "cheapest", "longest", "weirdest", "relaxing", "challenging", "funniest", "addictive", "prettiest", "hardest",
  "newest", "overrated", "underrated", "shortest", "colourful", "emotional", "buggy", "inspiring", "loudest", "confusing",
  "memorable", "violent", "cosy", "expensive", "slowest", "clever", "frustrating", "atmospheric", "unusual", "replayable",
] as const;
