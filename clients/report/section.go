package report

import (
	"cmp"
	"time"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// section gathers the figures of one source and currency.
type section struct {
	made         Section
	customers    map[string]*customer
	skus         map[string]*sku // by exact case
	months       map[string]*Month
	countries    map[string]*ByCountry
	orderDigest  digest
	returnDigest digest
	overflow     bool
}

type customer struct {
	TopEntry
	free bool // has free orders
}

// sku is what is known of one SKU; first tells which order its description is from.
type sku struct {
	TopSKU
	first  time.Time
	number string
}

func newSection(source, currency string) *section {
	return &section{
		made:      Section{Source: source, CurrencyCode: currency},
		customers: map[string]*customer{},
		skus:      map[string]*sku{},
		months:    map[string]*Month{},
		countries: map[string]*ByCountry{},
	}
}

// add adds up amounts and remembers when they were too large.
func (s *section) add(sum *int64, n int64) {
	before := *sum
	*sum += n
	if (*sum > before) != (n > 0) && n != 0 {
		s.overflow = true
	}
}

func (s *section) addOrder(order *ordersv1.Order) {
	paid := false
	for _, line := range order.Lines {
		paid = paid || line.UnitPriceMinor > 0
	}
	figures := &s.made.NoChargeOnly
	if paid {
		figures = &s.made.Orders
	}
	units, amount := s.addLines(figures, order)
	created := order.CreateTime.AsTime()
	figures.Count++
	s.add(&figures.ShippingMinor, order.ShippingMinor)
	widen(&figures.FirstTime, &figures.LastTime, created)
	if order.FulfillmentStatus == ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_UNFULFILLED {
		figures.Unfulfilled++
	}
	who := s.customer(order.CustomerId)
	if who == nil {
		figures.WithoutCustomer++
	} else {
		figures.WithCustomer++
	}
	if !paid {
		if who != nil {
			who.free = true
		}
		return
	}
	if who != nil {
		who.Orders++
		s.add(&who.AmountMinor, amount)
	}
	month := s.month(created)
	month.Orders++
	month.OrderLines += int64(len(order.Lines))
	month.Units += units
	s.add(&month.AmountMinor, amount)
	country := entry(s.countries, order.ShipTo.GetCountry())
	country.Orders++
	country.Lines += int64(len(order.Lines))
	s.add(&country.AmountMinor, amount)
	s.orderDigest.add(cmp.Or(order.Number, order.Id), order.CustomerId, len(order.Lines), units, amount)
}

// addLines adds up the lines of an order, and counts the SKUs of paid orders.
func (s *section) addLines(figures *Orders, order *ordersv1.Order) (units, amount int64) {
	for _, line := range order.Lines {
		units += line.Quantity
		s.add(&amount, line.AmountMinor)
		s.add(&figures.GrossMinor, line.AmountMinor+line.DiscountMinor)
		s.add(&figures.DiscountMinor, line.DiscountMinor)
		if line.UnitPriceMinor > 0 {
			figures.PaidLines++
		}
		if line.DiscountMinor > 0 {
			figures.DiscountedLines++
		}
		known := s.sku(line.Sku)
		if figures != &s.made.Orders {
			continue
		}
		known.Units += line.Quantity
		s.add(&known.AmountMinor, line.AmountMinor)
		known.describe(line.Description, order)
	}
	figures.Lines += int64(len(order.Lines))
	figures.Units += units
	s.add(&figures.AmountMinor, amount)
	return units, amount
}

// describe keeps the description of the earliest order, whatever order they come in.
func (k *sku) describe(description string, order *ordersv1.Order) {
	created := order.CreateTime.AsTime()
	earlier := k.Description == "" || created.Before(k.first) ||
		created.Equal(k.first) && order.Number < k.number
	if description != "" && earlier {
		k.Description, k.first, k.number = description, created, order.Number
	}
}

func (s *section) customer(id string) *customer {
	if id == "" {
		return nil
	}
	return entry(s.customers, id)
}

func (s *section) sku(name string) *sku { return entry(s.skus, name) }

func (s *section) month(t time.Time) *Month { return entry(s.months, t.Format("2006-01")) }

// entry gives the entry of a key, made when it is not there.
func entry[T any](entries map[string]*T, key string) *T {
	if entries[key] == nil {
		entries[key] = new(T)
	}
	return entries[key]
}

func widen(first, last **time.Time, t time.Time) {
	if *first == nil || t.Before(**first) {
		*first = &t
	}
	if *last == nil || t.After(**last) {
		*last = &t
	}
}
