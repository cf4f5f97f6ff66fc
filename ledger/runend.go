package ledger

import "github.com/slipway-cd/slipway"

// RunEnded is the kind of an entry that says how a run ended, for those runs that
// somebody followed; its body is a slipway.RunVerdict.
const RunEnded = "run.ended"

// RunEntryID is the id of the entry that says how a run ended.
func RunEntryID(v slipway.RunVerdict) string { return "run/" + v.Run + "/ended" }
