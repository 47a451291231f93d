// Package contract reads what the contract promises of every method alike: request ids and pages.
// Handlers use it; nothing below them does.
package contract

import (
	"google.golang.org/protobuf/proto"

	"github.com/orderprocessing/orderprocessing/server/store"
)

// DefaultPageSize is the size of a page when the caller names none.
const DefaultPageSize = 50

// Change is a request for a change of something.
type Change interface {
	proto.Message
	GetRequestId() string
}

// Request names a request: by what it changes (a customer's orders, an order, a SKU) and by all
// that it says.
func Request(owner string, m Change) (store.Request, error) {
	body, err := canonical(m)
	return store.NewRequest(owner, m.GetRequestId(), body), err
}

// Paged is a request for a page of a list.
type Paged interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// Page is a page of a list.
type Page struct {
	Size  int    // at least 1
	Token string // of the page before; empty for the first page
	List  []byte // all that makes the list, so that a token fits no other
}

// PageOf reads which page is asked for.
func PageOf(m Paged) (Page, error) {
	list := proto.Clone(m)
	fields := m.ProtoReflect().Descriptor().Fields()
	list.ProtoReflect().Clear(fields.ByName("page_token"))
	list.ProtoReflect().Clear(fields.ByName("page_size"))
	name, err := canonical(list)
	page := Page{Size: int(m.GetPageSize()), Token: m.GetPageToken(), List: name}
	if page.Size == 0 {
		page.Size = DefaultPageSize
	}
	return page, err
}

// canonical gives a message in a form that is the same each time, with its type in front.
func canonical(m proto.Message) ([]byte, error) {
	name := string(m.ProtoReflect().Descriptor().FullName())
	return proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte(name+"\x00"), m)
}
