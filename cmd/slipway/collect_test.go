package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestGarbageIsCollectedAsUsualAfterTheStart(t *testing.T) {
	before := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	done := collectAsUsual(77)
	for waiting := true; waiting; {
		runtime.GC()
		select {
		case <-done:
			waiting = false
		default:
			runtime.Gosched()
		}
	}
	if got := debug.SetGCPercent(before); got != 77 {
		t.Errorf("it is %d, not what was asked for", got)
	}
}

// TestNothingIsCollectedBeforeTheStart holds package early to its place before the
// packages that make much.
func TestNothingIsCollectedBeforeTheStart(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	early := strings.Index(string(out), "init github.com/slipway-cd/slipway/cmd/slipway/early ")
	large := strings.Index(string(out), "init github.com/aws/aws-sdk-go-v2/service/glue/schemas ")
	if early < 0 || large < 0 || early > large {
		t.Errorf("early is at %d, the models of AWS Glue at %d of\n%s", early, large, out)
	}
}
