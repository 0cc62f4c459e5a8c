// Two clients with tokens; bob has two during a change of tokens.
export const ALICE = 'alice-token-6f2d91c07b3e';
export const BOB = 'bob-new-token-c4f0a85e21d7';
export const BOB_BEFORE = 'bob-old-token-09be37d6f81a';

export const CLIENT_TOKENS = JSON.stringify({ alice: ALICE, bob: [BOB, BOB_BEFORE] });
