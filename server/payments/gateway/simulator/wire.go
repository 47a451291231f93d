package simulator

import (
	"strconv"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/money"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// The paths of the bank's API.
const (
	pathOperations   = "/v1/operations" // POST does one, GET ?key= asks what became of it
	pathMovements    = "/v1/movements"  // GET ?since=&cursor=&limit=
	pathAuthenticate = "/authenticate/" // GET a page for the customer, POST outcome=
	pathFaults       = "/control/faults"
	signatureHeader  = "Simulator-Signature"
)

// operationRequest is the body of POST /v1/operations.
type operationRequest struct {
	Operation     gateway.Operation `json:"operation"`
	Key           gateway.Key       `json:"key"`
	Payment       string            `json:"payment"`
	Authorization string            `json:"authorization,omitempty"`
	Amount        money.Minor       `json:"amount,omitempty"`
	Currency      money.Currency    `json:"currency,omitempty"`
	Method        string            `json:"method,omitempty"`
	ReturnURL     string            `json:"return_url,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	Final         bool              `json:"final,omitempty"`
	DeadlineMilli int64             `json:"deadline_ms,omitempty"` // Unix; it is not begun after that
}

// resultMessage is a gateway.Result.
type resultMessage struct {
	Outcome       gateway.Outcome `json:"outcome"`
	Authorization string          `json:"authorization,omitempty"`
	Movement      string          `json:"movement,omitempty"`
	Amount        money.Minor     `json:"amount,omitempty"`
	Currency      money.Currency  `json:"currency,omitempty"`
	Decline       gateway.Decline `json:"decline,omitempty"`
	RedirectURL   string          `json:"redirect_url,omitempty"`
	ExpiresMicro  int64           `json:"expires_us,omitempty"` // Unix
}

// inquiryMessage is a gateway.Inquiry.
type inquiryMessage struct {
	Fate   gateway.Fate   `json:"fate"`
	Result *resultMessage `json:"result,omitempty"`
}

// movementMessage is a gateway.Movement.
type movementMessage struct {
	ID            string               `json:"id"`
	Kind          gateway.MovementKind `json:"kind"`
	Key           gateway.Key          `json:"key,omitempty"`
	Payment       string               `json:"payment"`
	Authorization string               `json:"authorization"`
	Amount        money.Minor          `json:"amount"`
	Currency      money.Currency       `json:"currency"`
	AtMicro       int64                `json:"at_us"` // Unix
}

type ledgerMessage struct {
	Movements []movementMessage `json:"movements"`
	Next      string            `json:"next,omitempty"`
}

// eventMessage is the body of a webhook.
type eventMessage struct {
	ID            string            `json:"id"`
	Kind          gateway.EventKind `json:"kind"`
	Key           gateway.Key       `json:"key,omitempty"`
	Payment       string            `json:"payment"`
	Authorization string            `json:"authorization"`
	Movement      string            `json:"movement,omitempty"`
	Amount        money.Minor       `json:"amount,omitempty"`
	Currency      money.Currency    `json:"currency,omitempty"`
	Decline       gateway.Decline   `json:"decline,omitempty"`
	ExpiresMicro  int64             `json:"expires_us,omitempty"` // of the authorization
	AtMicro       int64             `json:"at_us"`
}

// problemMessage is the body of every answer that is not 200.
type problemMessage struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Field   string `json:"field,omitempty"`
}

// authorizationID names an account: its number, and the fault that its later operations meet.
func authorizationID(account int64, method string) string {
	id := "auth_" + strconv.FormatInt(account, 36)
	if operation, name := laterFault(method); operation != "" {
		return id + "." + string(operation) + "_" + name
	}
	return id
}

// parseAuthorizationID gives the account's number, or 0 when the text names none.
func parseAuthorizationID(text string) int64 {
	number, ok := strings.CutPrefix(text, "auth_")
	if !ok {
		return 0
	}
	number, _, _ = strings.Cut(number, ".")
	account, err := strconv.ParseInt(number, 36, 64)
	if err != nil {
		return 0
	}
	return account
}

func movementID(seq int64) string { return "mov_" + strconv.FormatInt(seq, 36) }

func timeOf(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
