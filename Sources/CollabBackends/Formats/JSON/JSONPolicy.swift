public import struct Collab.CollabError

/// How strictly JSON text is read.
///
/// Files are written by machines and attacked by people, so ``file`` takes the standard by its letter and refuses
/// what two readers could understand differently. Servers are written by many, so ``wire`` reads what is meant as
/// long as the structure is sound; a key that comes twice it refuses too, since of two readers, say a filter in between
/// and this one, each may take another value.
public struct JSONPolicy: Sendable {
    /// What to do with a key that an object has twice, compared after unescaping.
    public enum DuplicateKeys: Hashable, Sendable {
        /// The text is malformed.
        case reject
        /// The last value counts.
        case keepLast
    }

    /// What to do with a key that an object has twice.
    public var duplicateKeys: DuplicateKeys
    /// Whether half of a surrogate pair (`\ud83d` alone) and invalid UTF-8 become U+FFFD rather than an error.
    public var repairsText: Bool
    /// Whether `NaN`, `Infinity`, `-Infinity` and numbers beyond the range of a `Double` are read.
    ///
    /// Python's servers write them, for example as the log-probability of an impossible token.
    public var readsNonFiniteNumbers: Bool
    /// Whether a byte order mark before the text is skipped.
    public var skipsByteOrderMark: Bool
    /// How deeply arrays and objects may nest.
    public var depthLimit: Int
    /// The largest text in bytes.
    public var sizeLimit: Int
    /// How many values a tree may have, so that a text of `0,0,0,…` does not become twenty times its size.
    public var valueLimit: Int
    /// The code of the errors thrown.
    public var errorCode: CollabError.Code

    /// For files: everything that RFC 8259 does not allow is an error, and duplicate keys are too.
    public static let file = JSONPolicy(
        duplicateKeys: .reject,
        repairsText: false,
        readsNonFiniteNumbers: false,
        skipsByteOrderMark: false,
        depthLimit: 64,
        sizeLimit: 128 << 20,
        valueLimit: 1 << 23,
        errorCode: .malformedFile
    )

    /// For servers: lone surrogates become U+FFFD, `NaN` and its like are numbers; duplicate keys are an error.
    public static let wire = JSONPolicy(
        duplicateKeys: .reject,
        repairsText: true,
        readsNonFiniteNumbers: true,
        skipsByteOrderMark: true,
        depthLimit: 128,
        sizeLimit: 256 << 20,
        valueLimit: 1 << 22,
        errorCode: .malformedResponse
    )

    /// The same policy with another limit on the size of the text.
    public func limited(toBytes sizeLimit: Int) -> JSONPolicy {
        var policy = self
        policy.sizeLimit = sizeLimit
        return policy
    }
}
