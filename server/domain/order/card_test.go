package order_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

func TestDetails_Check_card(t *testing.T) {
	good := func() order.Details {
		return order.Details{
			CustomerID: "cus_1", Number: "536365", Currency: "GBP", Note: "leave with the neighbour",
			Lines: []order.Line{{SKU: "4006381333931", Description: "a barcode", Quantity: 1, UnitPrice: 255}},
		}
	}
	const number = "4111 1111 1111 1111"
	t.Run("a card number is refused in every text, by the name of its field", func(t *testing.T) {
		for field, put := range map[string]func(*order.Details){
			"order.note":                 func(d *order.Details) { d.Note = "charge " + number },
			"order.number":               func(d *order.Details) { d.Number = number },
			"order.customer_id":          func(d *order.Details) { d.CustomerID = "4111111111111111" },
			"order.lines[0].sku":         func(d *order.Details) { d.Lines[0].SKU = "4111-1111-1111-1111" },
			"order.lines[0].description": func(d *order.Details) { d.Lines[0].Description = number },
			"order.ship_to.name":         func(d *order.Details) { d.ShipTo.Name = number },
			"order.ship_to.street":       func(d *order.Details) { d.ShipTo.Street = number },
			"order.ship_to.city":         func(d *order.Details) { d.ShipTo.City = number },
			"order.ship_to.region":       func(d *order.Details) { d.ShipTo.Region = number },
			"order.ship_to.postal_code":  func(d *order.Details) { d.ShipTo.PostalCode = number },
			"order.ship_to.country":      func(d *order.Details) { d.ShipTo.Country = number },
		} {
			d := good()
			put(&d)
			f := fault.From(d.Check())
			require.NotNil(t, f, field)
			require.Equal(t, fault.ReasonCardNumberRefused, f.Reason, field)
			require.Equal(t, field, f.Violations[0].Field)
		}
	})
	t.Run("and in the reason of a cancellation", func(t *testing.T) {
		_, err := order.Order{Lifecycle: order.Pending}.Cancel(number)
		require.Equal(t, fault.ReasonCardNumberRefused, fault.ReasonOf(err))
	})
	t.Run("a barcode as SKU passes", func(t *testing.T) {
		require.NoError(t, good().Check())
	})
}
