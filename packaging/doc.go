// Package packaging holds the tests of what is shipped beside the binary: the unit of
// systemd, the container image and the Helm chart.
package packaging
