package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/notaryproject/notation-core-go/revocation"
	"github.com/notaryproject/notation-core-go/revocation/crl"
)

// place is what lies at an address: a status, and a body.
type place struct {
	Status int    `json:"status"`
	Body   []byte `json:"body"`
}

// places answers requests without any network; below an address lies the same as at it (OCSP by GET).
type places map[string]place

func (p places) RoundTrip(request *http.Request) (*http.Response, error) {
	found := place{Status: http.StatusNotFound}
	for url, one := range p {
		if request.URL.String() == url || strings.HasPrefix(request.URL.String(), url+"/") {
			found = one
		}
	}
	return &http.Response{StatusCode: found.Status, Body: io.NopCloser(bytes.NewReader(found.Body)), Request: request}, nil
}

// revoked says of each certificate of the chain what notation makes of the answers.
func revoked(q question) (answer, error) {
	client := &http.Client{Transport: q.Places}
	fetcher, err := crl.NewHTTPFetcher(client)
	if err != nil {
		return answer{}, err
	}
	validator, err := revocation.NewWithOptions(revocation.Options{OCSPHTTPClient: client, CRLFetcher: fetcher})
	if err != nil {
		return answer{}, err
	}
	options := revocation.ValidateContextOptions{}
	for _, der := range q.Certificates {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return answer{}, err
		}
		options.CertChain = append(options.CertChain, certificate)
	}
	if q.SignedAt != "" {
		if options.AuthenticSigningTime, err = time.Parse(time.RFC3339, q.SignedAt); err != nil {
			return answer{}, err
		}
	}
	results, err := validator.ValidateContext(context.Background(), options)
	if err != nil {
		return answer{}, err
	}
	var a answer
	for _, result := range results {
		a.Standings = append(a.Standings, result.Result.String())
	}
	return a, nil
}
