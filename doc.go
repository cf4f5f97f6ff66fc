// Package slipway holds the nouns of the product: what an app, an artifact, a
// release or a deployment is, and the kinds of error a user can meet. It
// imports the standard library only and does no I/O.
//
// The road the nouns travel:
//
//	build    a source at one commit becomes artifacts
//	check    artifacts and source are questioned; each question ends in a verdict
//	release  artifacts are fixed under their digests in a repository
//	promote  the same bytes move to the next environment's repository
//	deploy   a plan is made, shown, and applied as it stands
//	operate  run, schedule, logs, status, history, rollback
//
// Each verb is a package; package pipeline puts them in order.
package slipway
