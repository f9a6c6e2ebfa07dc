package vault

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func newContext() Context {
	return Context{
		CustomerID:    uuid.Must(uuid.NewV7()),
		IntegrationID: uuid.Must(uuid.NewV7()),
		Platform:      "linkedin",
		Field:         "refresh_token",
	}
}

func TestSealRoundTrip(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret-token")) {
		t.Error("the sealed value holds the plaintext")
	}
	again, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(sealed, again) {
		t.Error("sealing twice gave the same bytes")
	}
	plaintext, err := v.Unseal(sealed, c)
	if err != nil || string(plaintext) != "secret-token" {
		t.Errorf("Unseal = %q, %v", plaintext, err)
	}
	id, err := KeyID(sealed)
	if err != nil || id != v.PrimaryKeyID() || id == 0 {
		t.Errorf("KeyID = %d, %v; primary is %d", id, err, v.PrimaryKeyID())
	}
}

func TestUnsealBindsEveryPartOfTheContext(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Context){
		"customer":         func(c *Context) { c.CustomerID = uuid.New() },
		"integration":      func(c *Context) { c.IntegrationID = uuid.New() },
		"ids swapped":      func(c *Context) { c.CustomerID, c.IntegrationID = c.IntegrationID, c.CustomerID },
		"platform":         func(c *Context) { c.Platform = "twitter" },
		"platform case":    func(c *Context) { c.Platform = "LinkedIn" },
		"field":            func(c *Context) { c.Field = "access_token" },
		"boundary moved":   func(c *Context) { c.Platform, c.Field = "linkedinr", "efresh_token" },
		"names swapped":    func(c *Context) { c.Platform, c.Field = c.Field, c.Platform },
		"trailing nul":     func(c *Context) { c.Field += "\x00" },
		"trailing newline": func(c *Context) { c.Field += "\n" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := c
			change(&other)
			plaintext, err := v.Unseal(sealed, other)
			if !errors.Is(err, ErrUnseal) || plaintext != nil {
				t.Errorf("Unseal = %q, %v; want nothing and ErrUnseal", plaintext, err)
			}
		})
	}
}

func TestIncompleteContextIsRefused(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	complete := newContext()
	sealed, err := v.Seal([]byte("secret-token"), complete)
	if err != nil {
		t.Fatal(err)
	}
	for name, remove := range map[string]func(*Context){
		"customer":    func(c *Context) { c.CustomerID = uuid.Nil },
		"integration": func(c *Context) { c.IntegrationID = uuid.Nil },
		"platform":    func(c *Context) { c.Platform = "" },
		"field":       func(c *Context) { c.Field = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := complete
			remove(&c)
			if out, err := v.Seal([]byte("secret-token"), c); !errors.Is(err, ErrContext) || out != nil {
				t.Errorf("Seal = %q, %v", out, err)
			} else if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Seal error = %v", err)
			}
			if out, err := v.Unseal(sealed, c); !errors.Is(err, ErrContext) || out != nil {
				t.Errorf("Unseal = %q, %v", out, err)
			}
		})
	}
}

func TestSwappedCiphertextsDoNotOpen(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	a, b := newContext(), newContext()
	sealedA, errA := v.Seal([]byte("token of a"), a)
	sealedB, errB := v.Seal([]byte("token of b"), b)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Unseal(sealedB, a); !errors.Is(err, ErrUnseal) {
		t.Errorf("b's ciphertext in a's row: %v", err)
	}
	if _, err := v.Unseal(sealedA, b); !errors.Is(err, ErrUnseal) {
		t.Errorf("a's ciphertext in b's row: %v", err)
	}
}

func TestTamperedCiphertextDoesNotOpen(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			if _, err := v.Unseal(changed, c); !errors.Is(err, ErrUnseal) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
		if _, err := v.Unseal(sealed[:i], c); !errors.Is(err, ErrUnseal) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := v.Unseal(append(bytes.Clone(sealed), 0), c); !errors.Is(err, ErrUnseal) {
		t.Errorf("one byte appended: %v", err)
	}
}

func TestAnotherKeySetDoesNotOpen(t *testing.T) {
	t.Parallel()
	c := newContext()
	sealed, err := createVault(t).Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := createVault(t).Unseal(sealed, c); !errors.Is(err, ErrUnseal) {
		t.Errorf("Unseal = %v", err)
	}
}

func TestKeyIDOfOtherBytes(t *testing.T) {
	t.Parallel()
	for _, other := range [][]byte{nil, {}, {1}, {1, 2, 3, 4, 5}, {0, 1, 2, 3, 4, 5}, []byte("plain token")} {
		if id, err := KeyID(other); !errors.Is(err, ErrNotSealed) || id != 0 {
			t.Errorf("KeyID(%x) = %d, %v", other, id, err)
		}
	}
	if id, err := KeyID([]byte{1, 0xfe, 0xdc, 0xba, 0x98, 0}); err != nil || id != 0xfedcba98 {
		t.Errorf("KeyID = %x, %v", id, err)
	}
}

// TestAssociatedDataIsStable holds the encoding still: a change makes every stored credential
// unreadable, so it needs a new version and not a new expectation here.
func TestAssociatedDataIsStable(t *testing.T) {
	t.Parallel()
	got, err := Context{
		CustomerID:    uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff"),
		IntegrationID: uuid.MustParse("ffeeddcc-bbaa-9988-7766-554433221100"),
		Platform:      "ghost",
		Field:         "key",
	}.associatedData()
	if err != nil {
		t.Fatal(err)
	}
	const want = "00000010" + "66616e666172652e7661756c742e7631" +
		"00000010" + "00112233445566778899aabbccddeeff" +
		"00000010" + "ffeeddccbbaa99887766554433221100" +
		"00000005" + "67686f7374" +
		"00000003" + "6b6579"
	if hex.EncodeToString(got) != want {
		t.Errorf("associated data = %x\nwant %s", got, want)
	}
}

func drawContext(t *rapid.T, label string) Context {
	id := rapid.Custom(func(t *rapid.T) uuid.UUID {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Filter(func(b []byte) bool {
			return uuid.UUID(b) != uuid.Nil
		}).Draw(t, "id"))
	})
	// Two letters and short names make contexts that differ only in where one part ends likely.
	name := rapid.OneOf(rapid.StringMatching(`[ab]{1,4}`), rapid.StringN(1, 20, -1))
	return Context{
		CustomerID:    id.Draw(t, label+" customer"),
		IntegrationID: id.Draw(t, label+" integration"),
		Platform:      name.Draw(t, label+" platform"),
		Field:         name.Draw(t, label+" field"),
	}
}

func TestSealProperties(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	rapid.Check(t, func(t *rapid.T) {
		plaintext := rapid.SliceOf(rapid.Byte()).Draw(t, "plaintext")
		right, wrong := drawContext(t, "right"), drawContext(t, "wrong")
		if rapid.Bool().Draw(t, "same ids") {
			wrong.CustomerID, wrong.IntegrationID = right.CustomerID, right.IntegrationID
		}
		sealed, err := v.Seal(plaintext, right)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := v.Unseal(sealed, right)
		if err != nil || !bytes.Equal(opened, plaintext) {
			t.Fatalf("Unseal = %x, %v", opened, err)
		}
		if wrong != right {
			if _, err := v.Unseal(sealed, wrong); !errors.Is(err, ErrUnseal) {
				t.Fatalf("Unseal for another context = %v", err)
			}
		}
	})
}

func TestSealConcurrently(t *testing.T) {
	t.Parallel()
	v := createVault(t)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				c, want := newContext(), fmt.Sprintf("token %d of %d", i, worker)
				sealed, err := v.Seal([]byte(want), c)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := v.Unseal(sealed, c); err != nil || string(got) != want {
					t.Errorf("Unseal = %q, %v; want %q", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzUnseal(f *testing.F) {
	v := createVault(f)
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(nil))
	f.Add(sealed[:tinkPrefixLen])
	f.Add(sealed[:len(sealed)-1])
	f.Add(append([]byte{0}, sealed...))
	f.Fuzz(func(t *testing.T, other []byte) {
		if plaintext, err := v.Unseal(other, c); !errors.Is(err, ErrUnseal) || plaintext != nil {
			t.Errorf("Unseal = %x, %v", plaintext, err)
		}
		_, _ = KeyID(other)
		// The bytes behind a genuine prefix get past the choice of the key.
		if _, err := v.Unseal(append(bytes.Clone(sealed[:tinkPrefixLen]), other...), c); !errors.Is(err, ErrUnseal) {
			t.Errorf("Unseal behind a genuine prefix: %v", err)
		}
	})
}
