internal import Collab

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A key that can be used but not seen.
///
/// It does not hold the key but knows where to get it, at every call anew, so a key may be rotated while a program
/// runs. It prints, dumps and mirrors as `Secret(redacted)`, and it cannot be encoded.
///
/// ```swift
/// let key = Secret.environment("OPENAI_API_KEY")
/// let other = Secret { try await vault.read("inference/key") }
/// ```
public struct Secret: Sendable {
    private let provide: @Sendable () async throws -> String

    /// Makes a secret that a closure fetches whenever it is needed.
    public init(_ provide: @escaping @Sendable () async throws -> String) {
        self.provide = provide
    }

    /// A key in an environment variable.
    ///
    /// A call that needs it throws ``Collab/CollabError/Code/unauthorized`` if the variable is not set.
    public static func environment(_ name: String) -> Secret {
        Secret { () throws(CollabError) -> String in
            guard let value = TransportEnvironment.variable(name) else {
                throw CollabError(
                    .unauthorized,
                    "The environment variable \(name), which should hold the key, is not set."
                )
            }
            return value
        }
    }

    /// Fetches the key. White space around it is dropped, as a trailing line break in a file of keys is.
    ///
    /// Throws ``Collab/CollabError/Code/unauthorized`` if there is none, and
    /// ``Collab/CollabError/Code/callerFailed`` with the closure's error as cause.
    func reveal() async throws(CollabError) -> String {
        let key: String
        do {
            key = try await provide().trimmingSpace()
        } catch {
            throw CollabError(wrapping: error, "The key could not be fetched.")
        }
        if key.isEmpty { throw CollabError(.unauthorized, "The key is empty.") }
        guard key.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw CollabError(.invalidRequest, "The key contains characters that cannot be part of a key.")
        }
        return key
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the key.
    public var description: String { "Secret(redacted)" }
    /// Never the key.
    public var debugDescription: String { description }
    /// No children.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
