// Package dossier is the one file that proves a release: what was built from which
// commit, who checked, signed, promoted and deployed it, and that nothing was left
// out. Start at Write and Verify. It is pure: entries, statements and a policy in,
// bytes or findings out.
package dossier
