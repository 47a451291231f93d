package simulator

import (
	"crypto/sha256"
	"encoding/json"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// What the bank does of itself.
const (
	operationAuthenticate gateway.Operation = "authenticate"
	operationExpire       gateway.Operation = "expire"
)

// Why nothing of an authorization is reserved any more.
const (
	endedVoided   = "voided"
	endedCaptured = "captured"
	endedExpired  = "expired"
)

// row is an operation as it is stored, with the account that an authorization opens. Numbers of
// rows are microseconds since 1970 that only grow: they order the ledger, and tell the time.
type row struct {
	seq         int64
	key         string
	origin      string // the key of the operation that a movement belongs to; empty when nobody asked
	fingerprint []byte // of the request
	operation   gateway.Operation
	payment     string
	account     int64 // the number of the authorization
	amount      money.Minor
	currency    money.Currency
	method      string
	returnURL   string
	outcome     gateway.Outcome
	decline     gateway.Decline
	movement    int64       // the number of the row with the movement; 0 for none
	moved       money.Minor // reserved, captured or refunded
	released    money.Minor

	// Of an authorization, and changed later.
	reserved money.Minor // still
	captured money.Minor
	refunded money.Minor
	ended    string
	expires  int64 // microseconds since 1970
}

// movementKinds are the kinds of what moved in an operation.
var movementKinds = map[gateway.Operation]gateway.MovementKind{
	gateway.OperationAuthorize: gateway.MovementAuthorized,
	gateway.OperationCapture:   gateway.MovementCaptured,
	gateway.OperationRefund:    gateway.MovementRefunded,
	operationAuthenticate:      gateway.MovementAuthorized,
}

// movements gives the lines of the ledger that an operation is: none, one, or two when a final
// capture released the rest.
func (r *row) movements(method string) []movementMessage {
	line := movementMessage{
		ID: movementID(r.seq), Kind: movementKinds[r.operation], Key: gateway.Key(r.origin), Payment: r.payment,
		Authorization: authorizationID(r.account, method), Amount: r.moved, Currency: r.currency, AtMicro: r.seq,
	}
	var lines []movementMessage
	if r.moved > 0 {
		lines = append(lines, line)
		line.ID += "_rest"
	}
	if r.released > 0 {
		line.Kind, line.Amount = gateway.MovementReleased, r.released
		lines = append(lines, line)
	}
	return lines
}

// result gives the answer of an operation as it stands now.
func (r *row) result(account *row, publicURL string) *resultMessage {
	m := &resultMessage{Outcome: r.outcome, Currency: r.currency, Decline: r.decline}
	if r.movement != 0 {
		m.Movement = movementID(r.movement)
	}
	id := authorizationID(account.seq, account.method)
	switch {
	case r.outcome == gateway.OutcomeDeclined && r.operation == gateway.OperationAuthorize:
		return m
	case r.outcome == gateway.OutcomeActionRequired:
		m.RedirectURL = publicURL + pathAuthenticate + id
	case r.outcome != gateway.OutcomeDone:
	case r.operation == gateway.OperationVoid:
		m.Amount = r.released
	case r.operation == gateway.OperationAuthorize:
		m.Amount, m.ExpiresMicro = r.amount, r.expires
	default:
		m.Amount = r.moved
	}
	m.Authorization = id
	return m
}

// fingerprint is what must not change when a key is used again.
func fingerprint(r operationRequest) []byte {
	r.DeadlineMilli = 0
	text, _ := json.Marshal(r) //nolint:errchkjson // strings and numbers; map keys come out sorted
	sum := sha256.Sum256(text)
	return sum[:16]
}
