package payment

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/domain/money"
)

// Account is what money is booked on. The numbers are stored.
type Account uint8

// The accounts. A debit adds, a credit takes away.
const (
	AccountCustomer   Account = 1 // minus what customers have set aside for us
	AccountAuthorized Account = 2 // what is set aside and neither taken nor let go
	AccountClearing   Account = 3 // what the gateway owes us: taken less given back
	AccountRevenue    Account = 4 // minus what was taken
	AccountRefunds    Account = 5 // what was given back
)

// Movement is a sort of booking. The numbers are stored.
type Movement uint8

// The movements.
const (
	MovementAuthorized Movement = 1
	MovementCaptured   Movement = 2
	MovementReleased   Movement = 3
	MovementRefunded   Movement = 4
)

// Entry is one transfer: Amount is debited to one account and credited to the other, so debits
// equal credits in every entry. A capture is two of them.
type Entry struct {
	ID            id.UUID // of the movement, with the number of the entry as its part
	PaymentID     ID
	Movement      Movement
	Debit, Credit Account
	Amount        money.Minor // above 0
	Currency      money.Currency
	Time          time.Time // UTC, microseconds
}

// transfers says what each movement books.
var transfers = map[Movement][][2]Account{
	MovementAuthorized: {{AccountAuthorized, AccountCustomer}},
	MovementCaptured:   {{AccountClearing, AccountAuthorized}, {AccountCustomer, AccountRevenue}},
	MovementReleased:   {{AccountCustomer, AccountAuthorized}},
	MovementRefunded:   {{AccountRefunds, AccountClearing}},
}

// book gives the entries of a movement of an amount; none of 0. The parts of one id that movements
// of several sorts take do not meet.
func (p Payment) book(movementID id.UUID, m Movement, amount money.Minor, now time.Time) (entries []Entry) {
	if amount == 0 {
		return nil
	}
	for i, accounts := range transfers[m] {
		entries = append(entries, Entry{
			ID: movementID.WithPart(int(m)*10 + i), PaymentID: p.ID, Movement: m,
			Debit: accounts[0], Credit: accounts[1], Amount: amount, Currency: p.Currency, Time: now,
		})
	}
	return entries
}

// Balances gives what each account holds after the entries. Their sum is 0.
func Balances(entries []Entry) map[Account]money.Minor {
	balances := map[Account]money.Minor{}
	for _, e := range entries {
		balances[e.Debit] += e.Amount
		balances[e.Credit] -= e.Amount
	}
	return balances
}
