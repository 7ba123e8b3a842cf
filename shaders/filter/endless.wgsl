// Finds users' loops that never end: the turns of all loops for a block of eight pixels are counted; beyond the limit
// every loop ends and the alarm is set. Without it, drivers would hang, or end loops without an error.

@group(0) @binding(8) var<storage, read_write> alarm: atomic<u32>;

const FRAMEREEL_MOST_TURNS = 60000u;
var<private> framereel_turns: u32;

fn framereel_endless() -> bool {
    framereel_turns += 1u;
    if framereel_turns > FRAMEREEL_MOST_TURNS {
        atomicStore(&alarm, 1u);
        return true;
    }
    // When one block has set the alarm, the others need not.
    if framereel_turns % 1024u == 0u && atomicLoad(&alarm) != 0u {
        framereel_turns = FRAMEREEL_MOST_TURNS;
        return true;
    }
    return false;
}
