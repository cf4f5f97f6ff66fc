// Empty on purpose: see early.go.
