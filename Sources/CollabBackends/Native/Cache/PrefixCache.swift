import Collab

/// The beginnings of recent texts, kept so that the next text that begins alike need not compute them again.
///
/// Entries share their blocks with the decoders that left them. The oldest go first when their memory is bounded or
/// wanted for something else; a text that comes again is then computed again.
final class PrefixCache: Sendable {
    /// Shared beginnings shorter than this are not worth a copy of the block that they end in.
    static let shortestPrefix = 16

    private struct Entry {
        var sequence: KeyValueSequence
        var bytes: Int
    }

    /// The entries, the one used last at the end.
    private let entries = Protected<[Entry]>([])
    /// The most bytes that the entries' blocks may take; blocks that entries share are counted for each.
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// A sequence with the longest known beginning of some tokens under some adapters, the last token never included,
    /// or `nil`.
    func sequence(beginning tokens: [TokenID], under adapters: AdapterSet?) -> KeyValueSequence? {
        entries.withLock { entries in
            var best: (index: Int, count: Int)?
            for (index, entry) in entries.enumerated() {
                guard entry.sequence.adapters?.identity == adapters?.identity else { continue }
                var count = 0
                let most = min(entry.sequence.computed, tokens.count - 1)
                while count < most, entry.sequence.tokens[count] == tokens[count] { count += 1 }
                guard count >= Self.shortestPrefix, count > best?.count ?? 0 else { continue }
                if entry.sequence.keepsEverything(truncatedTo: count) { best = (index, count) }
            }
            guard let best else { return nil }
            let entry = entries.remove(at: best.index)
            entries.append(entry)
            var sequence = entry.sequence
            sequence.truncate(to: best.count)
            return sequence
        }
    }

    /// Remembers a sequence; one that is the beginning of another, or the other way round, counts once.
    func store(_ sequence: KeyValueSequence) {
        let bytes = sequence.byteCount
        guard sequence.computed >= Self.shortestPrefix, bytes <= limit else { return }
        // Memory that is let go must not be freed under the lock, since the pool has one too.
        let dropped: [Entry] = entries.withLock { entries in
            if entries.contains(where: { $0.sequence.begins(with: sequence) }) { return [] }
            var dropped = entries.filter { sequence.begins(with: $0.sequence) }
            entries.removeAll { sequence.begins(with: $0.sequence) }
            entries.append(Entry(sequence: sequence, bytes: bytes))
            var total = entries.reduce(0) { $0 + $1.bytes }
            while total > limit {
                let oldest = entries.removeFirst()
                total -= oldest.bytes
                dropped.append(oldest)
            }
            return dropped
        }
        _ = dropped
    }

    /// Lets everything go.
    func removeAll() {
        let dropped = entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
        _ = dropped
    }

    /// Lets the oldest entry go; false if there is none.
    func dropOldest() -> Bool {
        let oldest: Entry? = entries.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        return oldest != nil
    }
}

extension KeyValueSequence {
    /// Whether the sequence begins with all of another's tokens, under the same adapters.
    fileprivate func begins(with other: KeyValueSequence) -> Bool {
        adapters?.identity == other.adapters?.identity && tokens.starts(with: other.tokens)
    }
}
