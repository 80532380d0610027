/**
 * Words of the generated support questions: what players ask the shop that they buy games from, and what they are
 * answered. Lists run from common to rare, as those of the games do. All of it was written for this project.
 */

/** Something that players ask about. `{d}` stands for the device, `{g}` for the game. */
export interface SupportTopic {
  asks: readonly string[];
  /** First sentence of an answer. */
  causes: readonly string[];
  /** What to do; the device's own sentence follows. */
  steps: readonly string[];
}

/** By label. Neighbours share words on purpose: a refund, a double charge and a subscription all speak of money. */
export const TOPICS: Readonly<Record<string, SupportTopic>> = {
  refund: {
    asks: [
      "I want my money back for {g}",
      "how do I get a refund for {g}",
      "{g} is not what I hoped for, can I return it",
      "please take {g} back and pay me out",
      "I bought {g} by mistake, can the purchase be undone",
      "can I send {g} back after two hours of play",
      "what are the rules for giving a game back",
      "I no longer want {g}, who pays me",
    ],
    causes: ["Every game can be given back for two weeks.", "Returns are open for fourteen days after you buy."],
    steps: ["Open your orders, choose {g} and ask for a refund.", "Pick {g} in the list of orders and press return."],
  },
  "double-charge": {
    asks: [
      "I was charged twice for {g}",
      "{g} is on my bill two times",
      "my card shows the same payment again",
      "you took the money for {g} double",
      "there are two payments but I bought one game",
      "why is my bank statement showing {g} twice",
      "one order, two amounts gone from my account",
      "the shop billed me once more for nothing",
    ],
    causes: [
      "One of both amounts is only reserved by your bank.",
      "The second amount is a reservation and no payment.",
    ],
    steps: [
      "It goes away within five days; if not, send us the statement.",
      "Wait five days, then write to us with the order number.",
    ],
  },
  "cancel-subscription": {
    asks: [
      "how do I cancel my subscription",
      "stop the monthly plan please",
      "I do not want to pay every month any more",
      "end my membership before it renews",
      "where can I turn off the automatic renewal",
      "the plan renewed and I never asked for it",
      "unsubscribe me from the pass",
      "quit the pass at the end of the month",
    ],
    causes: [
      "A plan runs until the end of the month that is paid.",
      "You keep the pass for the days you have paid for.",
    ],
    steps: ["Open plans and turn off renewal.", "Go to your plans, choose the pass and press end."],
  },
  "gift-code": {
    asks: [
      "my gift code does not work",
      "the key for {g} is refused",
      "it says the code was already used",
      "where do I enter a voucher",
      "a friend sent me a gift card, how do I redeem it",
      "the letters on the card cannot be read",
      "activation key for {g} is not valid",
      "I typed the voucher three times and nothing happens",
    ],
    causes: ["A code has sixteen signs and no letter O.", "Codes work once, and in one country only."],
    steps: ["Enter it under vouchers without any spaces.", "Type it in the field for vouchers, in capitals."],
  },
  login: {
    asks: [
      "I cannot log in",
      "the shop does not let me into my account",
      "sign in fails with a wrong name on {d}",
      "it throws me back to the login page",
      "every time I log in on {d} I am out again at once",
      "my account is there but I can't get in",
      "the sign in window stays empty",
      "access denied when I open the client on {d}",
    ],
    causes: ["The client holds an old session.", "Your device remembers a session that has ended."],
    steps: ["Sign out everywhere and log in again.", "Clear the session and sign in once more."],
  },
  password: {
    asks: [
      "I forgot my password",
      "the mail to reset my password never comes",
      "how do I change my password",
      "my old password is not accepted any more",
      "reset link says it is too old",
      "set a new password for me please",
      "which password did I use for the shop",
      "the new password is refused as too short",
    ],
    causes: ["A link for a new password is good for one hour.", "Reset links end after an hour."],
    steps: ["Ask for a new link and look into the spam folder.", "Press forgot password again and check your spam."],
  },
  "two-factor": {
    asks: [
      "I lost the phone with my login codes",
      "the six digits from the app are wrong",
      "two-factor codes do not arrive",
      "how do I switch on the second step for my account",
      "new phone, and the authenticator is empty",
      "no text message with the code comes when I sign in",
      "turn the second factor off for me",
      "where are my backup codes",
    ],
    causes: ["Codes depend on the clock of your phone.", "The second step needs a phone whose time is right."],
    steps: [
      "Use one of your backup codes and add the new phone.",
      "Sign in by a backup code, then pair the phone again.",
    ],
  },
  banned: {
    asks: [
      "why was I banned in {g}",
      "my account is locked for cheating but I did not cheat",
      "lift the ban please",
      "I am suspended from {g} for a week",
      "it says I broke the rules of {g}",
      "somebody else played {g} on my account and now I am blocked",
      "how long does the suspension last",
      "I want to appeal against the lock",
    ],
    causes: ["Bans come from the makers of a game.", "Each studio decides on its own bans."],
    steps: ["Send an appeal to the studio of {g}.", "Write an appeal with your player name to the makers of {g}."],
  },
  "report-player": {
    asks: [
      "somebody cheats in {g}",
      "I want to report a player in {g}",
      "a player insulted me in the chat",
      "there is a cheater with aim help in my matches",
      "how do I block someone who writes me",
      "this person ruins every round of {g}",
      "where can I tell on a toxic team mate",
      "players with stolen names in {g}",
    ],
    causes: ["Every report is read by a person.", "Our moderators look at each report."],
    steps: ["Open the player's card and choose report.", "Press the name of the player, then report."],
  },
  crash: {
    asks: [
      "{g} crashes on {d}",
      "{g} closes by itself after a minute",
      "the game shuts down when I start it on {d}",
      "I am thrown back to the desktop in {g}",
      "{g} stops with an error message",
      "since the last patch {g} quits in the middle of a match",
      "it crashed five times today",
      "unexpected end of {g}, every evening",
    ],
    causes: ["Most crashes come from damaged files.", "Usually a file of the game is broken."],
    steps: ["Let the client check the files of {g}.", "Choose verify files for {g} and start again."],
  },
  freeze: {
    asks: [
      "{g} freezes on {d}",
      "the picture stands still but the sound goes on",
      "{g} hangs in the loading screen",
      "the screen of {d} stays black in {g}",
      "my game is stuck and I must pull the plug",
      "loading never ends in {g}",
      "everything stops for ten seconds, then it goes on",
      "{g} does not react to any button after the menu",
    ],
    causes: ["A hanging game waits for the graphics driver.", "The driver of the graphics card is often to blame."],
    steps: ["Update the driver and switch the overlay off.", "Install the newest driver, then turn off the overlay."],
  },
  slow: {
    asks: [
      "{g} is slow on {d}",
      "only twenty frames a second in {g}",
      "{g} stutters on {d}",
      "the fan of {d} roars and the game crawls",
      "how do I make {g} run faster",
      "low frame rate since the last patch",
      "{g} jerks in every fight",
      "which settings does {g} need on an old machine",
    ],
    causes: ["High shadows cost the most frames.", "The frame rate falls with shadows and view distance."],
    steps: ["Put shadows and distance of {g} to low.", "Lower the shadows in the settings of {g}."],
  },
  lag: {
    asks: [
      "{g} lags in every match",
      "my ping in {g} is too high",
      "I lose the connection to {g}",
      "the server of {g} kicks me out",
      "players jump around as the line is slow",
      "disconnected from {g} again on {d}",
      "no connection to the game server tonight",
      "the match ends with a network error",
    ],
    causes: ["A cable beats the air for matches.", "Wireless lines lose packets."],
    steps: ["Choose the nearest server in {g}.", "Set the region of {g} to the one nearest to you."],
  },
  download: {
    asks: [
      "{g} does not download",
      "the download of {g} stops at half",
      "installing {g} takes hours",
      "how much space does {g} need on {d}",
      "there is no room left on {d}",
      "the update of {g} fails again and again",
      "can I move {g} to another disk",
      "my download is slower than my line",
    ],
    causes: ["Games need twice their size while they are installed.", "An update unpacks beside the old files."],
    steps: ["Free some space and resume the download of {g}.", "Delete old games, then continue with {g}."],
  },
  "lost-save": {
    asks: [
      "my save of {g} is gone",
      "{g} starts from the beginning, where is my progress",
      "all my levels in {g} are lost",
      "can you bring back a deleted save",
      "the cloud has an older save than {d}",
      "my progress on {d} is not on my other machine",
      "{g} asks which save to keep and I chose wrong",
      "forty hours of {g} vanished over night",
    ],
    causes: ["Saves are kept in the cloud for thirty days.", "The cloud holds the last five saves of each game."],
    steps: ["Open the cloud page of {g} and restore one.", "Choose an earlier save of {g} and press restore."],
  },
  controller: {
    asks: [
      "my controller does not work with {g}",
      "{d} does not find the gamepad",
      "the buttons in {g} are mixed up",
      "the stick drifts to the left",
      "how do I pair a second pad with {d}",
      "can I play {g} with mouse and keys instead",
      "vibration is gone in {g}",
      "my wheel is not recognised on {d}",
    ],
    causes: [
      "Two layers of controller support can get into each other's way.",
      "Only one program should read the pad.",
    ],
    steps: ["Turn controller support for {g} off and on.", "Switch off the pad support of {g} once."],
  },
  "family-sharing": {
    asks: [
      "can my son play {g} with his own account",
      "how do I share my games with my family",
      "two people want to play {g} at once",
      "limit the hours my daughter plays on {d}",
      "my brother cannot see my games",
      "I want to hide {g} from the kids",
      "set up a child account on {d}",
      "who may borrow {g} from me",
    ],
    causes: ["A family has up to five members.", "Five people can be in one family."],
    steps: [
      "Invite them under family and choose what they may play.",
      "Add the account to your family and set its hours.",
    ],
  },
  achievements: {
    asks: [
      "an achievement in {g} does not unlock",
      "I finished {g} and the trophy is missing",
      "my achievements on {d} are gone",
      "progress of a trophy stands at ninety-nine percent",
      "can achievements of {g} be reset",
      "the last trophy of {g} did not pop",
      "played {g} offline, now nothing counts",
      "which trophies of {g} need other players",
    ],
    causes: ["Trophies are counted when you are online.", "What you do offline is sent at the next login."],
    steps: ["Start {g} once while you are online.", "Go online and load your last save of {g}."],
  },
};
