#pragma once
// What packet protection needs of OpenSSL and Swift cannot import: parameter lists that are made by macros, and SHA-1 without EVP, which OpenSSL 3
// marks as deprecated. EVP allocates memory for each message, and cannot keep the state of a key; SRTP's HMAC (RFC 3711 section 4.2.1) is on the
// path of each packet.
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>

// The tag of an AEAD packet that was encrypted.
static inline int copenssl_get_tag(EVP_CIPHER_CTX *context, void *tag, size_t size) {
    OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, size), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_get_params(context, parameters);
}

// The tag that an AEAD packet has to have, before its decryption ends.
static inline int copenssl_set_tag(EVP_CIPHER_CTX *context, const void *tag, size_t size) {
    OSSL_PARAM parameters[] = {OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, (void *)tag, size), OSSL_PARAM_END};
    return EVP_CIPHER_CTX_set_params(context, parameters);
}

static inline int copenssl_sha1_begin(SHA_CTX *context) { return SHA1_Init(context); }

static inline int copenssl_sha1_update(SHA_CTX *context, const void *octets, size_t count) { return SHA1_Update(context, octets, count); }

static inline int copenssl_sha1_finish(SHA_CTX *context, unsigned char *digest) { return SHA1_Final(digest, context); }
