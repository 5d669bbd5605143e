public import struct Collab.CollabError

extension MappedFile {
    /// The SHA-256 of the file.
    ///
    /// The bytes are read from the file rather than from the mapping, so that a file that is cut short meanwhile is
    /// an error. Throws ``Collab/CollabError`` with `inputOutput`.
    public func sha256() throws(CollabError) -> SHA256Digest {
        var hash = SHA256()
        try readInPieces { hash.update($0) }
        return hash.digest()
    }

    /// Throws `checksumMismatch` unless the file's SHA-256 is as expected.
    ///
    /// - Parameter expected: 64 hexadecimal digits.
    ///
    /// Throws `invalidRequest` if `expected` is something else, and `inputOutput`.
    public func verify(sha256 expected: String) throws(CollabError) {
        guard let expected = SHA256Digest(expected) else {
            throw CollabError(
                .invalidRequest,
                "“\(expected.abbreviated)” is not a SHA-256 of 64 hexadecimal digits."
            )
        }
        let found = try sha256()
        guard found == expected else {
            throw CollabError(
                .checksumMismatch,
                "\(path) has the SHA-256 \(found) instead of \(expected): it is damaged or another file. "
                    + "Fetch it again."
            )
        }
    }
}
