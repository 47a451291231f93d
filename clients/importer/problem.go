package importer

import "fmt"

// The reasons for which a document is refused before it is sent. The server has its own beside
// these. They are stable.
const (
	ReasonStockAdjustment  = "STOCK_ADJUSTMENT"    // a write-off, not an order
	ReasonLedgerAdjustment = "LEDGER_ADJUSTMENT"   // a booking, not an order
	ReasonInvalidNumber    = "INVALID_NUMBER"      // no document number that the layout knows
	ReasonInvalidQuantity  = "INVALID_QUANTITY"    // not a whole number, zero, or the wrong sign
	ReasonInvalidPrice     = "INVALID_PRICE"       // not an exact decimal, or negative
	ReasonInvalidDiscount  = "INVALID_DISCOUNT"    // not a fraction from 0 to 1
	ReasonInvalidTime      = "INVALID_TIME"        // not a time in the layout's form
	ReasonInvalidText      = "INVALID_TEXT"        // invalid UTF-8, or a NUL
	ReasonMixedDocument    = "MIXED_DOCUMENT"      // its rows disagree on what it is, or on whose
	ReasonSplitDocument    = "SPLIT_DOCUMENT"      // its rows are too far apart in the file
	ReasonTooManyRows      = "TOO_MANY_ROWS"       // more than MaxDocumentRows
	ReasonTooLarge         = "TOO_LARGE"           // more than MaxDocumentBytes once encoded
	ReasonOutOfRange       = "AMOUNT_OUT_OF_RANGE" // an amount beyond 64 bits of minor units
	ReasonOrderUnknown     = "ORDER_UNKNOWN"       // lines of an order that the files do not have
	ReasonIncomplete       = "INCOMPLETE_DOCUMENT" // the file is damaged before its end
)

// Problem is why a document cannot be taken. The message is for people and names file, line and
// column where there is one.
type Problem struct {
	Reason  string
	Message string
}

func problemf(reason, format string, args ...any) *Problem {
	return &Problem{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// FileError is damage after which a file cannot be read on: broken quotes, a wrong number of
// columns, a truncated archive, rows out of order. Everything before it was delivered.
type FileError struct {
	File   string // path as it was given
	Line   int    // from 1; of the uncompressed text
	Column int    // from 1, in bytes
	Err    error
}

// Error gives file, line, column and what is wrong there.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
}

// Unwrap gives what is wrong, without the place.
func (e *FileError) Unwrap() error { return e.Err }
