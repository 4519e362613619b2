/**
 * Certificates of nobody, for receivers of tests: each signed with its own key, good for a hundred years, and for one thing.
 *
 * Made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=test of egress"
 * -addext "subjectAltName=DNS:receiver.test"`, and `IP:127.0.0.1`.
 */
/** For the name `receiver.test`. */
export const forName = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxlvZyzfsDYwf5Uay
AY2jswTXMlYPvHFutnVWtt36QeyhRANCAATnecT/5keiiebk2yWTufx17bk6NL+f
IvCbm6MOQFo0IAXrlRfwfe7RNdJbX3mjA376SrUMTsfihHj/56JU1VPu
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBojCCAUmgAwIBAgIUXNEzZ1Vg8zXSrjQOXerG+nDD91QwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdCBvZiBlZ3Jlc3MwIBcNMjYxMTIyMTcwMDI3WhgPMjEy
NjEwMjkxNzAwMjdaMBkxFzAVBgNVBAMMDnRlc3Qgb2YgZWdyZXNzMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE53nE/+ZHoonm5Nslk7n8de25OjS/nyLwm5ujDkBa
NCAF65UX8H3u0TXSW195owN++kq1DE7H4oR4/+eiVNVT7qNtMGswHQYDVR0OBBYE
FMt8cycrd2GHIuPxSL4AzmjnS4VVMB8GA1UdIwQYMBaAFMt8cycrd2GHIuPxSL4A
zmjnS4VVMA8GA1UdEwEB/wQFMAMBAf8wGAYDVR0RBBEwD4INcmVjZWl2ZXIudGVz
dDAKBggqhkjOPQQDAgNHADBEAiAumm6ENxdQlGft8a2jPn+uCRV5NvX0hEBaJI5x
kwGiewIgfzAhomDkns1rpSaKomduf3leJcrmzNWHzlDn7wE3vXA=
-----END CERTIFICATE-----`
}

/** For the address 127.0.0.1. */
export const forAddress = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCd83I5JutYOcrgr1
dnXuX1ZLVB/kf6oKNH771RlG4JqhRANCAARI4OUsF+9tVIvUC2X4V+O+fiQxTFn9
K4lPg363xLZxL8hzWdA9wNnW5kmf3efA4l7QlqOm0yHJDOARQ6bROfxU
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUCgAwIBAgIUR9AIE2sRo8KuiW5mKYaIjpCtbSMwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdCBvZiBlZ3Jlc3MwIBcNMjYxMTIyMTcwMDI3WhgPMjEy
NjEwMjkxNzAwMjdaMBkxFzAVBgNVBAMMDnRlc3Qgb2YgZWdyZXNzMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAESODlLBfvbVSL1Atl+Ffjvn4kMUxZ/SuJT4N+t8S2
cS/Ic1nQPcDZ1uZJn93nwOJe0JajptMhyQzgEUOm0Tn8VKNkMGIwHQYDVR0OBBYE
FO9xthuy2zWsrbUClw4rpXAOupwGMB8GA1UdIwQYMBaAFO9xthuy2zWsrbUClw4r
pXAOupwGMA8GA1UdEwEB/wQFMAMBAf8wDwYDVR0RBAgwBocEfwAAATAKBggqhkjO
PQQDAgNIADBFAiEAh7RrQwJMCDMAdal2/KtHoYwbmHjFbVQNX5+FD7CvUAACID9v
uxkHqzYBlwauDD/nvfsVLhmyssCGmOxytOjYbMuw
-----END CERTIFICATE-----`
}
