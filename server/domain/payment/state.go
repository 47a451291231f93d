package payment

import "fmt"

// State is where a payment is on its way. The numbers are stored; they are those of the contract
// and never change.
type State uint8

// The states of a payment.
const (
	Created        State = 1  // recorded; certainly nothing happened at the gateway
	RequiresAction State = 2  // the customer must prove who they are
	Authorizing    State = 3  // the gateway is being asked to set the amount aside
	Authorized     State = 4  // it is set aside
	Capturing      State = 5  // the gateway is being asked to take some of it
	Captured       State = 6  // some or all was taken; the counters say how much
	Voiding        State = 7  // the gateway is being asked to let it go
	Voided         State = 8  // it was let go before anything was taken
	AuthExpired    State = 9  // it lapsed before anything was taken
	Unknown        State = 10 // the gateway was asked for something and did not answer
	Failed         State = 11 // the bank or the gateway said no
)

var stateNames = [...]string{
	"", "CREATED", "REQUIRES_ACTION", "AUTHORIZING", "AUTHORIZED", "CAPTURING", "CAPTURED", "VOIDING",
	"VOIDED", "AUTH_EXPIRED", "UNKNOWN", "FAILED",
}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Transition is a step that a payment may take, and what it takes.
type Transition struct {
	From, To State
	Needs    string
}

// Transitions is every step that a payment may take. From nothing (0) it is recorded and sent at
// once. UNKNOWN is left only when the gateway tells, asked with the same key or by its webhook.
var Transitions = []Transition{
	{0, Authorizing, "a wish to authorize, recorded before the gateway is called"},
	{0, Voided, "given up before the wish to authorize was recorded"},
	{Created, Authorizing, "the same wish again"},
	{Created, Voided, "a wish to void; the gateway knows nothing of it"},
	{Created, Authorized, "a late event: it happened after all"},
	{Created, RequiresAction, "a late event: the bank asks for the customer after all"},
	{Created, Failed, "a late event: declined after all"},
	{Authorizing, Authorized, "done"},
	{Authorizing, RequiresAction, "the bank asks for the customer"},
	{Authorizing, Failed, "declined or refused"},
	{Authorizing, Created, "turned away, or asked and it never happened"},
	{Authorizing, Unknown, "no answer"},
	{RequiresAction, Authorized, "the customer proved it"},
	{RequiresAction, Failed, "the customer did not"},
	{RequiresAction, Created, "asked, and it never happened"},
	{RequiresAction, Unknown, "asked again, and no answer"},
	{RequiresAction, Voiding, "a wish to void, recorded before the gateway is called"},
	{Authorized, Capturing, "a wish to capture no more than is left, recorded before the gateway is called"},
	{Authorized, Voiding, "a wish to void, recorded before the gateway is called"},
	{Authorized, AuthExpired, "the gateway says it lapsed"},
	{Authorized, Captured, "a late event: captured after all"},
	{Authorized, Voided, "a late event: voided after all"},
	{AuthExpired, Voided, "a late event: voided after all"},
	{Capturing, Captured, "done"},
	{Capturing, Authorized, "refused, and nothing was captured before"},
	{Capturing, AuthExpired, "refused because it lapsed, and nothing was captured before"},
	{Capturing, Unknown, "no answer"},
	{Captured, Capturing, "a wish to capture no more than is left, recorded before the gateway is called"},
	{Captured, Unknown, "no answer to a refund"},
	{Voiding, Voided, "done"},
	{Voiding, Authorized, "refused"},
	{Voiding, RequiresAction, "refused, and the customer is still asked"},
	{Voiding, Authorizing, "refused, and the authorization is not decided yet"},
	{Voiding, AuthExpired, "refused, and it lapsed"},
	{Voiding, Created, "refused, and the authorization never happened"},
	{Voiding, Unknown, "no answer"},
	{Voiding, Failed, "refused, and the authorization failed meanwhile"},
	{Voided, Authorized, "given up before the gateway knew of it, and it knows of it after all"},
	{Unknown, Authorizing, "the gateway has it and has not decided"},
	{Unknown, RequiresAction, "asked: the bank asks for the customer"},
	{Unknown, Authorized, "asked: authorized, or neither captured nor voided"},
	{Unknown, Capturing, "asked; another capture is under way"},
	{Unknown, Captured, "asked: captured, or not refunded"},
	{Unknown, Voiding, "asked; a void is under way"},
	{Unknown, Voided, "asked: voided"},
	{Unknown, AuthExpired, "asked: it lapsed"},
	{Unknown, Failed, "asked: declined or refused"},
	{Unknown, Created, "asked: it never happened"},
}

// MayBecome tells whether a payment may go from this state to that one.
func (s State) MayBecome(next State) bool {
	for _, t := range Transitions {
		if t.From == s && t.To == next {
			return true
		}
	}
	return false
}

// Kind is a sort of operation. The numbers are stored.
type Kind uint8

// The kinds of operations.
const (
	KindAuthorize Kind = 1
	KindCapture   Kind = 2
	KindVoid      Kind = 3
	KindRefund    Kind = 4
)

var kindNames = [...]string{"", "authorize", "capture", "void", "refund"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// OperationState is what became of an operation. The numbers are stored.
type OperationState uint8

// The states of an operation. Submitted is recorded before the gateway is called.
const (
	Requested  OperationState = 1 // certainly nothing happened; the same wish sends it
	Submitted  OperationState = 2 // sent; the end is still to come
	NotKnown   OperationState = 3 // sent, and no answer came
	Succeeded  OperationState = 4 // it happened
	OpFailed   OperationState = 5 // it did not happen and will not
	firstFinal                = Succeeded
)

var operationNames = [...]string{"", "REQUESTED", "SUBMITTED", "UNKNOWN", "SUCCEEDED", "FAILED"}

func (s OperationState) String() string {
	if int(s) < len(operationNames) {
		return operationNames[s]
	}
	return fmt.Sprintf("OperationState(%d)", uint8(s))
}

// Final tells whether nothing will become of it any more.
func (s OperationState) Final() bool { return s >= firstFinal }

// Open tells whether the gateway may have it, without our knowing the end.
func (s OperationState) Open() bool { return s == Submitted || s == NotKnown }

// Follows tells whether a payment may be in this state after it was in that one.
func (s State) Follows(before State) bool { return s == before || before.MayBecome(s) }
