// Package git reads git repositories. It is the only package that runs the git
// program.
//
// Start with [Open]. [Repository.Source] names an app's code at a commit and
// refuses uncommitted changes unless asked for them; [Repository.Tree] reads its
// files; [Repository.Checkout] makes a clean copy of the whole committed tree.
// [Repository.Manifests] finds the apps, and [FetchFile] reads one file of
// another repository.
//
// Nothing here writes to the user's repository, asks a question on a terminal or
// goes through a shell.
package git
