public import Collab
public import CollabBackends

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension RetentionReport {
    /// Measures what a merge has kept, on the native engine; one model is in memory at a time.
    ///
    /// - Parameters:
    ///   - merge: the merge, which may be computed while it is read.
    ///   - parents: the models that were merged, and any other to compare with.
    ///   - domains: held-out texts.
    ///   - options: how the models are run.
    ///   - report: told the name of each model and domain before it is scored.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for no parents or no text, what making a model throws, and
    /// `cancelled`.
    public init(
        of merge: any Checkpoint,
        parents: [any Checkpoint],
        domains: [DomainText],
        options: NativeOptions = NativeOptions(),
        reporting report: (_ model: String, _ domain: String) -> Void = { _, _ in }
    ) async throws(CollabError) {
        guard !parents.isEmpty, !domains.isEmpty, domains.allSatisfy({ !$0.passages.isEmpty }) else {
            throw CollabError(
                .invalidRequest,
                "What a merge has kept is measured against parents, on texts; give it both."
            )
        }
        var measured = domains.map { Domain(name: $0.name, bytes: $0.passages.map(\.utf8.count), bits: []) }
        for checkpoint in parents + [merge] {
            let model = try await NativeModel(checkpoint: checkpoint, options: options)
            for (place, domain) in domains.enumerated() {
                report(checkpoint.name, domain.name)
                measured[place].bits.append(try await Self.bits(of: domain, for: model))
            }
        }
        self.init(parents: parents.map(\.name), merge: merge.name, domains: measured)
    }

    /// The bits of every passage for a model.
    static func bits(of domain: DomainText, for model: NativeModel) async throws(CollabError)
        -> [Double]
    {
        try await concurrently(domain.passages) { (passage) async throws(CollabError) in
            let tokens = try model.promptTokens(for: .completion(passage))
            // A model without a beginning token is not asked for the first: the same few bits are missing for all of
            // its family.
            // Where the context is shorter than a passage, a window begins at the last token of the one before.
            var (bits, start) = (0.0, 0)
            while start + 1 < tokens.count {
                let end = min(start + max(2, model.contextLength), tokens.count)
                bits -= try await model.logprobs(of: Array(tokens[start..<end])).reduce(0, +) / log(2)
                start = end - 1
            }
            return bits
        }
    }
}
