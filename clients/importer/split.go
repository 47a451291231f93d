package importer

import (
	"errors"
	"io"
)

// The most that is kept of documents whose rows do not stand together.
const (
	maxSplitDocuments = 50_000
	maxHeldRows       = 20_000
)

var errNotGrouped = errors.New("too many invoices are scattered over the file; sort it by InvoiceNo")

// invoiceSet holds invoice numbers of the three known forms, 125 kB a form, however many.
type invoiceSet [3][]uint64

// add tells whether the number was there before. Numbers of no known form never are.
func (s *invoiceSet) add(number string) (before bool) {
	form, n := invoiceForm(number)
	if form == formUnknown {
		return false
	}
	if s[form] == nil {
		s[form] = make([]uint64, 1_000_000/64)
	}
	word, bit := &s[form][n/64], uint64(1)<<(n%64)
	before = *word&bit != 0
	*word |= bit
	return before
}

// splitInvoices reads a file ahead and gives the invoices whose rows do not stand together, with
// the number of places where they stand. The real data has one, and an order must not be stored
// before its last row was seen. Damage ends the reading: whoever reads next meets it again.
func splitInvoices(in input) (map[string]int, error) {
	t, err := openTable(in)
	if err != nil {
		return nil, err
	}
	defer t.close()
	at, ok := t.index("InvoiceNo")
	if !ok {
		return nil, errLayout
	}
	t.csv.ReuseRecord = true
	places := map[string]int{}
	var seen invoiceSet
	var last []byte
	for {
		row, err := t.read()
		if damage := (*FileError)(nil); errors.Is(err, io.EOF) || errors.As(err, &damage) {
			return places, nil
		} else if err != nil {
			return nil, err
		}
		number := row.Fields[at[0]]
		if number == string(last) {
			continue
		}
		last = append(last[:0], number...)
		if !seen.add(number) {
			continue
		}
		if places[number] == 0 {
			places[string(last)] = 1
		}
		places[string(last)]++
		if len(places) > maxSplitDocuments {
			return nil, &FileError{File: in.name, Line: row.Line, Column: 1, Err: errNotGrouped}
		}
	}
}
