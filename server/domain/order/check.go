package order

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/orderprocessing/orderprocessing/server/domain/card"
	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Check refuses details that no order may have, whoever brings them. The contract checks shapes
// before; this is the last word, for every way in.
func (d Details) Check() error {
	if !d.Currency.Known() {
		return fault.Invalid(fault.ReasonCurrencyUnknown, "order.currency_code",
			"%q is not an active ISO 4217 code", string(d.Currency))
	}
	if len(d.Lines) == 0 {
		return fault.Invalid(fault.ReasonOrderEmpty, "order.lines", "an order has at least one line")
	}
	if len(d.Lines) > MaxLines {
		return fault.Invalid(fault.ReasonOrderTooLong, "order.lines", "an order has at most %d lines, not %d", MaxLines, len(d.Lines))
	}
	if d.Shipping < 0 {
		return fault.Invalid(fault.ReasonAmountInvalid, "order.shipping_minor", "carriage is not negative")
	}
	if err := d.checkText(); err != nil {
		return err
	}
	for i, l := range d.Lines {
		if err := l.check(); err != nil {
			return fault.From(err).Within(fmt.Sprintf("order.lines[%d].", i))
		}
	}
	if _, err := d.Total(); err != nil {
		return fault.Invalid(fault.ReasonAmountOverflow, "order.lines", "%s", err)
	}
	return nil
}

// check names the fields of the line alone; where it stands is written when something is wrong.
func (l Line) check() error {
	switch {
	case l.SKU == "" || len(l.SKU) > 64:
		return fault.Invalid(fault.ReasonInvalidRequest, "sku", "a SKU has 1 to 64 bytes")
	case l.Quantity < 1 || l.Quantity > MaxQuantity:
		return fault.Invalid(fault.ReasonQuantityInvalid, "quantity", "a quantity is 1 to %d", MaxQuantity)
	case l.UnitPrice < 0:
		return fault.Invalid(fault.ReasonAmountInvalid, "unit_price_minor", "a price is not negative")
	}
	gross, err := l.UnitPrice.Times(l.Quantity)
	if err != nil {
		return fault.Invalid(fault.ReasonAmountOverflow, "unit_price_minor", "%s", err)
	}
	if l.Discount < 0 || l.Discount > gross {
		return fault.Invalid(fault.ReasonAmountInvalid, "discount_minor", "a discount is 0 to what the line costs")
	}
	return checkTexts(text{"sku", l.SKU, 64, true}, text{"description", l.Description, 200, false})
}

func (d Details) checkText() error {
	a := d.ShipTo
	return checkTexts(
		text{"order.customer_id", d.CustomerID, 64, true},
		text{"order.number", d.Number, 64, true},
		text{"order.source", d.Source, 32, true},
		text{"order.note", d.Note, 1000, false},
		text{"order.ship_to.name", a.Name, 200, false},
		text{"order.ship_to.street", a.Street, 400, false},
		text{"order.ship_to.city", a.City, 100, false},
		text{"order.ship_to.region", a.Region, 100, false},
		text{"order.ship_to.postal_code", a.PostalCode, 20, false},
		text{"order.ship_to.country", a.Country, 100, false},
	)
}

// text is a field of a request and the most characters it may have.
type text struct {
	field, value string
	most         int
	identifier   bool // a name that a shop makes, such as a SKU
}

func (t text) check() error {
	if t.identifier {
		return card.CheckIdentifier(t.field, t.value)
	}
	return card.CheckText(t.field, t.value)
}

func checkTexts(texts ...text) error {
	for _, t := range texts {
		if !utf8.ValidString(t.value) || strings.ContainsRune(t.value, 0) || utf8.RuneCountInString(t.value) > t.most {
			return fault.Invalid(fault.ReasonInvalidRequest, t.field,
				"text is valid UTF-8 without NUL, at most %d characters", t.most)
		}
		if err := t.check(); err != nil {
			return err
		}
	}
	return nil
}
