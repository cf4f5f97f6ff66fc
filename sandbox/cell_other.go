//go:build unix && !linux

package sandbox

// A handle holds nothing: only Linux has cells.
type handle struct{ pid int }

func holdOf(int, int) handle { return handle{} }

func (h handle) known() bool   { return false }
func (h handle) shared() int64 { return 0 }
func (h handle) kill()         {}
func (h handle) close()        {}
