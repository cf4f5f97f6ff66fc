// Package merge says whether a pull request may be merged, what it waits for, and
// who can unblock it. [Evaluate] makes one [State] of [Facts]; [Lint] proves when
// rules are loaded that what they ask for can come; [Simulate] says what would be
// if something were otherwise.
//
// The package is pure: facts in, a state out. Whatever it cannot tell, a team that
// nobody has, a verdict that nobody knows, an answer for another commit, is never a
// pass.
package merge
