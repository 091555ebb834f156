"""Makes keys, and tokens that are to be accepted and such that are not, with PyJWT and jwcrypto: {"keys", "secret", "cases"}
as JSON, each case with a name, the token and whether it is accepted. Forgeries that no library makes are put together by hand.
One issuer has public keys, the other a secret."""

import base64
import hmac
import json
import sys
import time

import jwt
from cryptography.hazmat.primitives import serialization
from jwcrypto import jwk, jws

ISSUER, OWN, AUDIENCE = "https://id.example", "own", "shop"
SECRET = b"a secret of 64 bytes and more, as long as the longest hash is, at least"
now = int(time.time())
cases = []


def coded(value):
    text = value if isinstance(value, (bytes, str)) else json.dumps(value)
    text = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def claims(**more):
    all = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "shop": 7, "iat": now, "exp": now + 3600} | more
    return {name: value for name, value in all.items() if value is not None}


def case(name, token, accepted=False):
    cases.append({"name": name, "token": token, "accepted": accepted})


keys = {
    "rsa": jwk.JWK.generate(kty="RSA", size=2048, kid="rsa"),
    "p256": jwk.JWK.generate(kty="EC", crv="P-256", kid="p256"),
    "p384": jwk.JWK.generate(kty="EC", crv="P-384", kid="p384"),
    "ed25519": jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="ed25519"),
}
stranger = {
    "rsa": jwk.JWK.generate(kty="RSA", size=2048, kid="rsa"),
    "p256": jwk.JWK.generate(kty="EC", crv="P-256", kid="p256"),
    "ed25519": jwk.JWK.generate(kty="OKP", crv="Ed25519", kid="ed25519"),
}
algorithms = {
    "rsa": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
    "p256": ["ES256"],
    "p384": ["ES384"],
    "ed25519": ["EdDSA"],
}


def pem(key):
    return key.export_to_pem(private_key=True, password=None)


def sign(key, algorithm, payload, **header):
    """By jwcrypto, which signs whatever it is given; with b64 of RFC 7797 as well."""
    token = jws.JWS(payload if isinstance(payload, (bytes, str)) else json.dumps(payload))
    token.allowed_algs = [algorithm]
    token.add_signature(key, None, json.dumps({"alg": algorithm} | header))
    return token.serialize(compact=True)


def sign_text(key, algorithm, header, payload):
    """A header as it is, under jwcrypto's signature."""
    core = jws.JWSCore(algorithm, key, header, payload, [algorithm])
    signed = core.sign()
    return f"{signed['protected']}.{signed['payload']}.{signed['signature']}"


# What is right.
for name, names in algorithms.items():
    for algorithm in names:
        case(f"{algorithm} by jwcrypto", sign(keys[name], algorithm, claims(), kid=name), True)
        case(f"{algorithm} by PyJWT", jwt.encode(claims(), pem(keys[name]), algorithm, headers={"kid": name}), True)
case("without kid", sign(keys["ed25519"], "EdDSA", claims()), True)
case("several audiences", sign(keys["p256"], "ES256", claims(aud=["x", AUDIENCE]), kid="p256"), True)
case("a moment with a fraction", sign(keys["p256"], "ES256", claims(exp=now + 60.5), kid="p256"), True)
case("within the leeway", sign(keys["p256"], "ES256", claims(exp=now - 1, nbf=now + 1), kid="p256"), True)
case("typ at+jwt", sign(keys["p256"], "ES256", claims(), kid="p256", typ="at+jwt"), True)
# A stranger's keys and addresses in the header change nothing.
embedded = json.loads(stranger["rsa"].export_public())
for name, value in {"jwk": embedded, "jku": "https://evil.example/", "x5u": "https://evil.example/", "x5c": ["AAAA"]}.items():
    case(f"{name} beside the right key", sign(keys["rsa"], "RS256", claims(), kid="rsa", **{name: value}), True)
    case(f"{name} of a stranger", sign(stranger["rsa"], "RS256", claims(), kid="rsa", **{name: value}))
    case(f"{name} of a stranger without kid", sign(stranger["rsa"], "RS256", claims(), **{name: value}))
for algorithm in ["HS256", "HS384", "HS512"]:
    case(f"{algorithm} by PyJWT", jwt.encode(claims(iss=OWN), SECRET, algorithm), True)
    case(f"{algorithm} in another issuer's name", jwt.encode(claims(), SECRET, algorithm))

# No signature, and those that are none.
good = sign(keys["rsa"], "RS256", claims(), kid="rsa")
head, body, signature = good.split(".")
for algorithm in ["none", "None", "NONE", "nOnE", ""]:
    case(f"alg {algorithm!r}", f"{coded({'alg': algorithm})}.{body}.")
    case(f"alg {algorithm!r} with a signature", f"{coded({'alg': algorithm, 'kid': 'rsa'})}.{body}.{signature}")
case("none by PyJWT", jwt.encode(claims(), None, "none"))
case("no alg", f"{coded({'kid': 'rsa'})}.{body}.{signature}")
case("alg a list", f"{coded({'alg': ['RS256'], 'kid': 'rsa'})}.{body}.{signature}")
case("an empty signature", f"{head}.{body}.")
case("a signature of zeros", f"{head}.{body}.{coded(bytes(256))}")
case("ES256 of zeros", f"{coded({'alg': 'ES256', 'kid': 'p256'})}.{body}.{coded(bytes(64))}")
case("ES384 of zeros", f"{coded({'alg': 'ES384', 'kid': 'p384'})}.{body}.{coded(bytes(96))}")
case("EdDSA of zeros", f"{coded({'alg': 'EdDSA', 'kid': 'ed25519'})}.{body}.{coded(bytes(64))}")
case("ES256 in DER", f"{coded({'alg': 'ES256', 'kid': 'p256'})}.{body}.{coded(bytes.fromhex('3006020101020101'))}")
case("the claims of another", f"{head}.{coded(claims(sub='root'))}.{signature}")
case("the header of another", f"{coded({'alg': 'RS256', 'kid': 'rsa', 'x': 1})}.{body}.{signature}")
case("a signature cut off", good[:-8])

# The public key as a secret, in each form that it has.
public = keys["rsa"].export_to_pem()
der = serialization.load_pem_public_key(public).public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
modulus = base64.urlsafe_b64decode(json.loads(keys["rsa"].export_public())["n"] + "==")
for name, secret in {
    "PEM": public,
    "PEM without its end of line": public.strip(),
    "DER": der,
    "modulus": modulus,
    "JWK": keys["rsa"].export_public().encode(),
    "x of ed25519": base64.urlsafe_b64decode(json.loads(keys["ed25519"].export_public())["x"] + "=="),
    "nothing": b"",
}.items():
    for kid in ["rsa", "ed25519"]:
        message = f"{coded({'alg': 'HS256', 'kid': kid})}.{body}"
        mac = hmac.digest(secret, message.encode(), "sha256")
        case(f"HS256 with the public key's {name} under {kid}", f"{message}.{coded(mac)}")
case("RS256 where a secret is expected", sign(keys["rsa"], "RS256", claims(iss=OWN), kid="rsa"))
case("HS256 with another secret", jwt.encode(claims(iss=OWN), "another secret of more than 32 bytes", "HS256"))

# Other keys.
for name, key in stranger.items():
    case(f"a stranger's {name}", sign(key, algorithms[name][0], claims(), kid=name))
    case(f"a stranger's {name} without kid", sign(key, algorithms[name][0], claims()))
case("another of our keys", sign(keys["p256"], "ES256", claims(), kid="rsa"))
case("a small key", sign(jwk.JWK.generate(kty="RSA", size=1024), "RS256", claims(), kid="rsa"))
for kid in [
    "unknown",
    "",
    "../../../../dev/null",
    "/etc/passwd",
    "rsa\0",
    "RSA",
    "x' UNION SELECT 'key",
    "rsa' OR '1'='1",
    "$(id)",
    "https://evil.example/keys",
    "k" * 4000,
    "\u202ersa",
]:
    case(f"kid {kid[:40]!r}", sign(stranger["rsa"], "RS256", claims(), kid=kid))
for kid in [7, None, ["rsa"], {"rsa": 1}, True]:
    case(f"kid {kid!r}", sign_text(keys["rsa"], "RS256", json.dumps({"alg": "RS256", "kid": kid}), json.dumps(claims())))

# Times and names.
ed = lambda **more: sign(keys["ed25519"], "EdDSA", claims(**more), kid="ed25519")
case("expired", ed(exp=now - 3600))
case("expired a while ago", ed(exp=now - 120))
case("never expires", ed(exp=None))
case("not yet", ed(nbf=now + 3600))
case("of the future", ed(iat=now + 3600))
for value in ["9999999999", True, [9999999999], {}, str(now + 60)]:
    case(f"exp {value!r}", ed(exp=value))
case("exp null", sign(keys["ed25519"], "EdDSA", claims() | {"exp": None}, kid="ed25519"))
case("exp before all", ed(exp=-1e308))
case("another issuer", ed(iss="https://evil.example"))
case("an issuer that begins alike", ed(iss=ISSUER + ".evil.example"))
case("no issuer", ed(iss=None))
case("a list of issuers", ed(iss=[ISSUER]))
case("another audience", ed(aud="other"))
case("no audience", ed(aud=None))
case("an audience within another", ed(aud=AUDIENCE + "s"))
case("typ of an id token's logout", sign(keys["ed25519"], "EdDSA", claims(), kid="ed25519", typ="logout+jwt"))

# Duplicates.
twice = json.dumps(claims())[:-1] + ', "sub": "root"}'
case("a claim twice", sign(keys["ed25519"], "EdDSA", twice, kid="ed25519"))
escaped = json.dumps(claims())[:-1] + ', "\\u0073ub": "root"}'
case("a claim twice, once escaped", sign(keys["ed25519"], "EdDSA", escaped, kid="ed25519"))
case("exp twice", sign(keys["ed25519"], "EdDSA", json.dumps(claims(exp=now - 99))[:-1] + f', "exp": {now + 99}}}', kid="ed25519"))
for header in ['{"alg":"EdDSA","kid":"ed25519","alg":"none"}', '{"alg":"none","kid":"ed25519","alg":"EdDSA"}']:
    payload = coded(claims())
    message = f"{coded(header)}.{payload}"
    private = serialization.load_pem_private_key(pem(keys["ed25519"]), None)
    case("alg twice", f"{message}.{coded(private.sign(message.encode()))}")

# Extensions.
case("crit", sign_text(keys["ed25519"], "EdDSA", '{"alg":"EdDSA","kid":"ed25519","crit":["exp"],"exp":1}', json.dumps(claims())))
case("crit of nothing", sign_text(keys["ed25519"], "EdDSA", '{"alg":"EdDSA","kid":"ed25519","crit":[]}', json.dumps(claims())))
case("crit of an unknown", sign_text(keys["ed25519"], "EdDSA", '{"alg":"EdDSA","kid":"ed25519","crit":["x"],"x":1}', json.dumps(claims())))
header = {"alg": "EdDSA", "kid": "ed25519", "b64": False, "crit": ["b64"]}
text = json.dumps(claims())
private = serialization.load_pem_private_key(pem(keys["ed25519"]), None)
unencoded = f"{coded(header)}.".encode() + text.encode()
case("b64 false", f"{coded(header)}.{coded(text)}.{coded(private.sign(unencoded))}")
del header["crit"]
message = f"{coded(header)}.{coded(text)}"
case("b64 false without crit", f"{message}.{coded(private.sign(message.encode()))}")

# Shapes.
case("empty", "")
case("dots", "..")
case("words", "a.b.c")
case("two parts", f"{head}.{body}")
case("four parts", f"{good}.{signature}")
case("five parts, as of an encrypted one", f"{coded({'alg': 'RSA-OAEP', 'enc': 'A256GCM'})}.x.x.x.x")
case("JSON serialization", json.dumps({"protected": head, "payload": body, "signature": signature}))
case("padding", f"{head}=.{body}.{signature}")
case("padding of the signature", f"{good}==")
case("the other alphabet", f"{head}.{body}.{signature.replace('-', '+').replace('_', '/')}+")
case("white space", f"{head}. {body}.{signature}")
case("claims that are a list", sign(keys["ed25519"], "EdDSA", "[]", kid="ed25519"))
case("claims that are no JSON", sign(keys["ed25519"], "EdDSA", "exp", kid="ed25519"))
case("claims with more behind", sign(keys["ed25519"], "EdDSA", json.dumps(claims()) + "{}", kid="ed25519"))
case("claims that are no UTF-8", sign(keys["ed25519"], "EdDSA", json.dumps(claims()).encode()[:-1] + b',"x":"\xff"}', kid="ed25519"))
case("deep claims", sign(keys["ed25519"], "EdDSA", json.dumps(claims())[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}", kid="ed25519"))
case("huge", sign(keys["ed25519"], "EdDSA", claims(x="x" * 13_000), kid="ed25519"))
last = signature[-1]
# The last digit of 256 bytes has four bits that no byte has.
other = chr(ord(last) + 1) if last not in "zZ9-_" else "B"
case("bits behind the end", f"{head}.{body}.{signature[:-1]}{other}")

sets = [json.loads(key.export_public()) for key in keys.values()]
json.dump({"keys": sets, "secret": SECRET.decode(), "cases": cases}, sys.stdout)
