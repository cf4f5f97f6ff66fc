package glue

import (
	"context"

	"github.com/slipway-cd/slipway"
	"github.com/slipway-cd/slipway/driver"
	"github.com/slipway-cd/slipway/driver/glue/price"
)

var _ driver.Coster = (*Driver)(nil)

// Cost estimates what runs of a target will cost.
func (d *Driver) Cost(_ context.Context, t slipway.Target, runs []slipway.Run) (slipway.Cost, error) {
	if d.cfg.Prices == nil {
		return slipway.Cost{Unknown: "no prices are known"}, nil
	}
	job, err := price.JobOf(t, d.cfg.AWS.Region)
	if err != nil {
		return slipway.Cost{}, err
	}
	schedule, err := driver.ScheduleOf(t)
	if err != nil {
		return slipway.Cost{}, err
	}
	return d.cfg.Prices.Cost(job, schedule, d.now(), runs), nil
}
