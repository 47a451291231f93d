// Package importertest gives a server in memory that takes what is imported and exports it again.
// It keeps documents as they come; rules, ids and the matching of returns are left to the real one.
package importertest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
	"github.com/orderprocessing/orderprocessing/gen/orders/v1/ordersv1connect"
)

// Server is an OrderService with ImportOrders and ExportOrders. It is safe for concurrent use.
type Server struct {
	ordersv1connect.UnimplementedOrderServiceHandler
	// Before, when set, is asked before each batch is taken: an error ends the stream.
	Before func(batch int) error
	// After, when set, is asked when a batch was taken and before it is answered.
	After func(batch int) error
	// Answer, when set, gives what is answered instead.
	Answer func(response *ordersv1.ImportOrdersResponse) *ordersv1.ImportOrdersResponse
	// Refuse, when set, gives the reason for which a document is refused, or nothing.
	Refuse func(document *ordersv1.ImportDocument) string

	http    *httptest.Server
	mu      sync.Mutex
	batches int
	largest int
	keys    []string // in the order of arrival
	stored  map[string][]byte
}

// New starts an empty server. Set its hooks before the first call.
func New() *Server { return &Server{stored: map[string][]byte{}} }

// Client serves until the test ends and gives a client over h2c.
func (s *Server) Client(tb testing.TB) ordersv1connect.OrderServiceClient {
	tb.Helper()
	mux := http.NewServeMux()
	mux.Handle(ordersv1connect.NewOrderServiceHandler(s))
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = &protocols
	server.Start()
	s.http = server
	transport := &http.Transport{Protocols: &protocols}
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return ordersv1connect.NewOrderServiceClient(&http.Client{Transport: transport}, server.URL)
}

// Cut closes the connections of all clients, as a server that is killed does. Hooks may call it.
func (s *Server) Cut() { s.http.CloseClientConnections() }

// Batches tells how many batches came, and how many bytes the largest had.
func (s *Server) Batches() (count, largest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches, s.largest
}

// Documents gives what is stored, in the order in which it came first.
func (s *Server) Documents(tb testing.TB) []*ordersv1.ImportDocument {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	documents := make([]*ordersv1.ImportDocument, len(s.keys))
	for i, key := range s.keys {
		documents[i] = &ordersv1.ImportDocument{}
		if err := proto.Unmarshal(s.stored[key], documents[i]); err != nil {
			tb.Fatal(err)
		}
	}
	return documents
}

// ImportOrders answers each batch once it is stored.
func (s *Server) ImportOrders(
	_ context.Context, stream *connect.BidiStream[ordersv1.ImportOrdersRequest, ordersv1.ImportOrdersResponse],
) error {
	for {
		request, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		response, err := s.take(request)
		if err != nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
}

func (s *Server) take(request *ordersv1.ImportOrdersRequest) (*ordersv1.ImportOrdersResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	s.largest = max(s.largest, proto.Size(request))
	if s.Before != nil {
		if err := s.Before(s.batches); err != nil {
			return nil, err
		}
	}
	response := &ordersv1.ImportOrdersResponse{}
	for _, document := range request.Documents {
		outcome, err := s.store(request.Source, document)
		if err != nil {
			return nil, err
		}
		response.Outcomes = append(response.Outcomes, outcome)
	}
	if s.Answer != nil {
		response = s.Answer(response)
	}
	if s.After != nil {
		return response, s.After(s.batches)
	}
	return response, nil
}

func (s *Server) store(source string, document *ordersv1.ImportDocument) (*ordersv1.ImportOutcome, error) {
	if s.Refuse != nil {
		if reason := s.Refuse(document); reason != "" {
			return &ordersv1.ImportOutcome{Result: ordersv1.ImportResult_IMPORT_RESULT_REJECTED,
				Reason: reason, Message: "refused by the test"}, nil
		}
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(document)
	if err != nil {
		return nil, err
	}
	number := cmp.Or(document.GetOrder().GetOrder().GetNumber(), document.GetReturn().GetNumber())
	key := source + "\n" + number
	if before, ok := s.stored[key]; ok {
		if !bytes.Equal(before, text) {
			return &ordersv1.ImportOutcome{Result: ordersv1.ImportResult_IMPORT_RESULT_REJECTED,
				Reason: "DOCUMENT_DIFFERS", Message: fmt.Sprintf("%s is stored with another content", number)}, nil
		}
		return &ordersv1.ImportOutcome{Result: ordersv1.ImportResult_IMPORT_RESULT_UNCHANGED, Id: key}, nil
	}
	s.stored[key] = text
	s.keys = append(s.keys, key)
	return &ordersv1.ImportOutcome{Result: ordersv1.ImportResult_IMPORT_RESULT_CREATED, Id: key}, nil
}

// snapshot gives the keys that are stored now.
func (s *Server) snapshot() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}
