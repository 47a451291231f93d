package gateway

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Key names one thing that a caller wants done, such as <order>/<saga>/<step>: 1 to 200 printable
// ASCII characters without spaces.
type Key string

// Operation is a sort of request that moves money.
type Operation string

// The operations.
const (
	OperationAuthorize Operation = "authorize"
	OperationCapture   Operation = "capture"
	OperationVoid      Operation = "void"
	OperationRefund    Operation = "refund"
)

// AuthorizationID is the gateway's own name of an authorization.
type AuthorizationID string

// AuthorizeRequest asks to reserve an amount.
type AuthorizeRequest struct {
	Key       Key
	Payment   string // our id of the payment; travels as metadata and comes back in events and ledger
	Amount    money.Minor
	Currency  money.Currency
	Method    string            // an opaque token of the gateway, never a card number
	ReturnURL string            // where the customer comes back to after authentication; may be empty
	Metadata  map[string]string // short texts that help people; no secrets, may be nil
}

// CaptureRequest asks to take money that is reserved.
type CaptureRequest struct {
	Key           Key
	Authorization AuthorizationID
	Payment       string // our id of the payment
	Amount        money.Minor
	Currency      money.Currency
	Final         bool // nothing more will be captured: release the rest
}

// VoidRequest asks to release an authorization.
type VoidRequest struct {
	Key           Key
	Authorization AuthorizationID
	Payment       string // our id of the payment
}

// RefundRequest asks to give captured money back.
type RefundRequest struct {
	Key           Key
	Authorization AuthorizationID
	Payment       string // our id of the payment
	Amount        money.Minor
	Currency      money.Currency
}

// InquireRequest asks what became of an operation.
type InquireRequest struct {
	Key           Key
	Operation     Operation
	Authorization AuthorizationID // of the request; empty for OperationAuthorize
	Payment       string          // our id of the payment
	SentAt        time.Time       // when it was sent last, by our clock
	FirstSentAt   time.Time       // when it was sent first; zero means SentAt
}

// LedgerRequest asks for a page of the gateway's movements, oldest first where the gateway knows
// their order. A gateway that keeps no movements, only payments, takes Since as when the payment began.
type LedgerRequest struct {
	Since  time.Time // movements at or after this; zero means all
	Cursor string    // Next of the page before; empty for the first
	Limit  int       // about how many movements a page; 0 leaves it to the gateway
}
