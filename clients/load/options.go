package load

import (
	"errors"
	"fmt"
	"regexp"
)

// Mix says how the calls are shared out: in relation to each other, so that percents and parts both do.
type Mix struct {
	// Create places orders of one to four lines.
	Create int
	// Get reads any order that this load has placed.
	Get int
	// List reads the newest orders of a customer.
	List int
	// Cancel stops an order that this load has placed, each at most once.
	Cancel int
}

func (m Mix) sum() int { return m.Create + m.Get + m.List + m.Cancel }

// most bounds what a load may be told to keep in memory.
const most = 1_000_000

var runName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// Validate tells what is wrong with options.
func (o Options) Validate() error {
	between := func(what string, n, least int) error {
		if n < least || n > most {
			return fmt.Errorf("%s must be %d to %d, not %d", what, least, most, n)
		}
		return nil
	}
	errs := []error{
		between("customers", o.Customers, 1), between("products", o.Products, 4), // an order has up to four lines
		between("calls in flight", o.InFlight, 1), between("connections", o.Connections, 1),
	}
	if !runName.MatchString(o.Run) {
		errs = append(errs, fmt.Errorf("the name of a run is up to 32 small letters, digits and hyphens, not %.40q", o.Run))
	}
	if len(o.Stages) == 0 {
		errs = append(errs, errors.New("a rate is needed"))
	}
	for _, stage := range o.Stages {
		if stage.Rate <= 0 || stage.Rate > most || stage.Duration <= 0 {
			errs = append(errs, fmt.Errorf("%g calls a second for %s cannot be offered", stage.Rate, stage.Duration))
		}
	}
	if m := o.Mix; m.Create < 1 || min(m.Get, m.List, m.Cancel) < 0 || max(m.Create, m.Get, m.List, m.Cancel) > most {
		errs = append(errs, fmt.Errorf("a mix has creates, which the others need, and nothing below 0: not %+v", m))
	}
	if !(o.Skew > 1) {
		errs = append(errs, fmt.Errorf("a skew is above 1, not %g", o.Skew))
	}
	if o.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("a timeout is above 0, not %s", o.Timeout))
	}
	return errors.Join(errs...)
}
