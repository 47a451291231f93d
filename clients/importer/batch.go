package importer

import (
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// The sizes of what is sent at once. A document beyond MaxBatchBytes goes alone.
const (
	MaxBatchDocuments = 200
	MaxBatchBytes     = 512 << 10
	MaxDocumentBytes  = 1 << 20
)

// batch is one message of the stream, with the documents that it was made of.
type batch struct {
	request *ordersv1.ImportOrdersRequest
	docs    []*Document
	bytes   int   // encoded
	read    int64 // bytes of the files that were read by then
}

// batcher reads documents and packs those that can be sent. It keeps one that did not fit.
type batcher struct {
	source Source
	reject func(doc *Document, reason, message string) error
	read   func(doc *Document)
	kept   *Document
	proto  *ordersv1.ImportDocument
	end    error // io.EOF after the last document, or what ended the reading
}

// next gives the next batch, or nil when there are no more documents. Then end is set.
func (b *batcher) next() (*batch, error) {
	made := &batch{request: &ordersv1.ImportOrdersRequest{}}
	for len(made.docs) < MaxBatchDocuments {
		if err := b.keep(); err != nil {
			return nil, err
		}
		if b.kept == nil {
			break
		}
		size := proto.Size(b.proto)
		fits := made.bytes+size <= MaxBatchBytes && made.request.Source == b.kept.Source
		if len(made.docs) > 0 && !fits {
			break
		}
		made.request.Source = b.kept.Source
		made.request.Documents = append(made.request.Documents, b.proto)
		made.docs = append(made.docs, b.kept)
		made.bytes += size
		b.kept, b.proto = nil, nil
	}
	if len(made.docs) == 0 {
		return nil, nil
	}
	made.read, _ = b.source.Progress()
	return made, nil
}

// keep reads up to a document that can be sent, and rejects those before it.
func (b *batcher) keep() error {
	for b.kept == nil && b.end == nil {
		doc, err := b.source.Next()
		if err != nil {
			b.end = err
			return nil
		}
		b.read(doc)
		converted, problem := Convert(doc)
		if problem == nil && proto.Size(converted) > MaxDocumentBytes {
			problem = problemf(ReasonTooLarge, "the document has more than %d bytes", MaxDocumentBytes)
		}
		if problem == nil {
			b.kept, b.proto = doc, converted
		} else if err := b.reject(doc, problem.Reason, problem.Message); err != nil {
			return err
		}
	}
	return nil
}

// damage is what ended the reading before its end, or nil.
func (b *batcher) damage() error {
	if errors.Is(b.end, io.EOF) {
		return nil
	}
	return b.end
}
