// Package check questions a commit and its artifacts: it runs the team's
// commands under time limits, reads the reports they write, and ends each in a
// verdict with reasons. Start at Run; Explain prints the results for a person,
// and Err says whether the road goes on.
//
// A check passes when its command exits with 0, every report that was asked for
// is there, fresh, whole and not empty, no test in it failed, and every
// threshold is met. Everything else is not a pass:
//
//	fail   the answer is no: an exit code, a failed test, a threshold, a time limit
//	error  there is no answer: no command, no report, no data
//
// Where a check has reasons of both kinds it is a fail, with all of them.
//
// Reports are read as JUnit XML (tests), as Cobertura XML, JaCoCo XML, LCOV or a Go
// cover profile (coverage, told apart by content), and as SARIF 2.1.0 (findings).
//
// With a Change and a Baseline a check is held against another commit: coverage of
// the lines that the change adds, coverage that drops, findings that are new. A check
// that the event or the change is not about is not needed, which is a pass.
package check
