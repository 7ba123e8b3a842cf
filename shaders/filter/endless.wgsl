// Finds users' loops that never end: all turns of all loops for a block of eight pixels are counted, and past the limit
// every loop is left and the alarm raised. Drivers would hang, or end loops themselves without a word.

@group(0) @binding(8) var<storage, read_write> alarm: atomic<u32>;

const FRAMEREEL_MOST_TURNS = 60000u;
var<private> framereel_turns: u32;

fn framereel_endless() -> bool {
    framereel_turns += 1u;
    if framereel_turns > FRAMEREEL_MOST_TURNS {
        atomicStore(&alarm, 1u);
        return true;
    }
    // Where one block has found out, the others need not.
    if framereel_turns % 1024u == 0u && atomicLoad(&alarm) != 0u {
        framereel_turns = FRAMEREEL_MOST_TURNS;
        return true;
    }
    return false;
}
