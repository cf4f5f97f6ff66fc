package local

import (
	"context"
	"time"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
)

// upcoming is how many times a status names.
const upcoming = 3

// Due returns when the deployed job's schedule fires.
func (d *Driver) Due(_ context.Context, h slipway.Handle, after, until time.Time) ([]time.Time, error) {
	folder, err := d.jobFolder(h.App)
	if err != nil {
		return nil, err
	}
	def, err := readCurrent(folder)
	if err != nil || !def.present() {
		return nil, err
	}
	s, err := driver.ScheduleOf(def.target)
	if err != nil {
		return nil, err
	}
	return s.Between(after, until, 0), nil
}
