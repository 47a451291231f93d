package importer

import "strconv"

// MaxDocumentRows is how many rows of one document are kept at once. No server takes as many.
const MaxDocumentRows = 10_000

var (
	tooManyRows = problemf(ReasonTooManyRows, "the document has more than %d rows", MaxDocumentRows)
	scattered   = problemf(ReasonSplitDocument,
		"its rows are scattered over the file; sort the file by InvoiceNo")
)

// The forms of an invoice number.
const (
	formOrder        = iota // six digits
	formCancellation        // C and six digits
	formLedger              // A and six digits
	formUnknown
)

// invoiceForm tells what an invoice number stands for, and its digits.
func invoiceForm(number string) (form int, digits uint64) {
	form = formOrder
	if len(number) == 7 {
		switch number[0] {
		case 'C':
			form = formCancellation
		case 'A':
			form = formLedger
		default:
			return formUnknown, 0
		}
		number = number[1:]
	}
	digits, err := strconv.ParseUint(number, 10, 64)
	if err != nil || len(number) != 6 {
		return formUnknown, 0
	}
	return form, digits
}

// invoice is a document of Online Retail while its rows are read.
type invoice struct {
	Document
	form           int
	country        string
	paid, negative int // lines with a price, lines with a negative quantity
}

func newInvoice(number, currency string) *invoice {
	form, _ := invoiceForm(number)
	return &invoice{form: form, Document: Document{
		Source: SourceOnlineRetail, Number: number, CurrencyCode: currency, Delivered: true,
	}}
}

func (v *invoice) add(row Row, line retailLine) {
	v.Rows = append(v.Rows, row)
	if line.problem != nil {
		v.refuse(line.problem)
		return
	}
	switch {
	case len(v.Lines) == 0:
		v.CustomerID, v.country, v.CreateTime = line.customer, line.country, line.created
	case v.CustomerID != line.customer || v.country != line.country:
		v.refuse(problemf(ReasonMixedDocument,
			"%s:%d: the invoice has another customer or country in a row before", row.File, row.Line))
	case line.created.Before(v.CreateTime):
		v.CreateTime = line.created
	}
	if line.UnitPrice.Sign() > 0 {
		v.paid++
	}
	if line.Quantity < 0 {
		v.negative++
	}
	v.Lines = append(v.Lines, line.Line)
}

// merge gives both pieces of a split invoice as one.
func (v *invoice) merge(later *invoice) *invoice {
	switch {
	case len(v.Lines) == 0:
		v.CustomerID, v.country, v.CreateTime = later.CustomerID, later.country, later.CreateTime
	case len(later.Lines) == 0:
	case v.CustomerID != later.CustomerID || v.country != later.country:
		v.refuse(problemf(ReasonMixedDocument, "the invoice has two customers or countries"))
	case later.CreateTime.Before(v.CreateTime):
		v.CreateTime = later.CreateTime
	}
	v.refuse(later.Problem)
	v.Rows = append(v.Rows, later.Rows...)
	v.Lines = append(v.Lines, later.Lines...)
	v.paid += later.paid
	v.negative += later.negative
	return v
}

// document says what it is, now that all of its rows are known.
func (v *invoice) document() *Document {
	v.ShipTo = countryOnly(v.country)
	switch {
	case v.form == formCancellation:
		v.Kind = KindCancellation
	case v.form == formLedger:
		v.Kind = KindLedgerAdjustment
	case v.form == formUnknown || len(v.Lines) == 0:
		v.Kind = KindUnknown
	case v.negative == len(v.Lines):
		v.Kind = KindStockAdjustment
	case v.paid > 0:
		v.Kind = KindOrder
	default:
		v.Kind = KindNoChargeOnly
	}
	if (v.Kind == KindOrder || v.Kind == KindNoChargeOnly) && v.negative > 0 {
		v.refuse(problemf(ReasonMixedDocument, "the invoice has positive and negative quantities"))
	}
	return &v.Document
}
