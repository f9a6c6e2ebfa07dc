package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSchemaIsCommitted compares db/schema.sql with what the migrations make.
func TestSchemaIsCommitted(t *testing.T) {
	t.Parallel()
	if _, err := findBinaries(context.Background()); err != nil {
		t.Skipf("the check needs one version of pg_dump, and continuous integration has it: %v", err)
	}
	var out bytes.Buffer
	if err := run(context.Background(), []string{"-check", "-file", "../schema.sql"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CREATE POLICY posts_tenant ON public.posts AS RESTRICTIVE", "FORCE ROW LEVEL SECURITY",
		"INSERT(title),UPDATE(title)", "security_invoker", "CREATE FUNCTION tenancy.enter_user", "ALTER DEFAULT PRIVILEGES"} {
		content, err := os.ReadFile("../schema.sql")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(want)) {
			t.Errorf("the dump does not show %q", want)
		}
	}
	// The check notices a file that differs.
	other := filepath.Join(t.TempDir(), "schema.sql")
	content, err := os.ReadFile("../schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, bytes.Replace(content, []byte("CREATE TABLE public.posts"), []byte("CREATE TABLE public.pasts"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), []string{"-check", "-file", other}, &out); err == nil || !strings.Contains(err.Error(), "from line") {
		t.Errorf("a file that differs: %v", err)
	}
}

// TestTidy: what changes with the version of pg_dump is gone, and nothing else.
func TestTidy(t *testing.T) {
	t.Parallel()
	got := string(tidy([]byte("--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version 15.18\nSET row_security = off;\n" +
		"SELECT pg_catalog.set_config('search_path', '', false);\n\n\n\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE public.x ();\n\n\\unrestrict abc\n")))
	if want := heading + "-- Name: x; Type: TABLE; Schema: public\n\nCREATE TABLE public.x ();\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
