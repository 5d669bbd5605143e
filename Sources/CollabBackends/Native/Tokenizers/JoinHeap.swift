/// A binary heap of proposed joins, lowest rank first and leftmost on equal ranks.
struct JoinHeap {
    /// Two neighbouring symbols that may join.
    struct Entry {
        /// The rank and the joined token, as ``MergeRule`` gives them.
        var join: UInt64
        /// The left symbol.
        var left: Int
        /// The right symbol.
        var right: Int
        /// How many bytes the two had when they were proposed.
        var length: Int

        @inline(__always)
        func isBefore(_ other: Entry) -> Bool {
            let (rank, otherRank) = (join >> 32, other.join >> 32)
            return rank < otherRank || (rank == otherRank && left < other.left)
        }
    }

    private var entries: [Entry] = []

    /// Forgets all entries and keeps their memory.
    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
    }

    /// Adds an entry.
    mutating func push(_ entry: Entry) {
        entries.append(entry)
        entries.withUnsafeMutableBufferPointer { entries in
            var child = entries.count - 1
            while child > 0 {
                let parent = (child - 1) / 2
                guard entry.isBefore(entries[parent]) else { break }
                entries[child] = entries[parent]
                child = parent
            }
            entries[child] = entry
        }
    }

    /// Takes out the first entry.
    mutating func pop() -> Entry? {
        guard let last = entries.popLast() else { return nil }
        guard let first = entries.first else { return last }
        entries.withUnsafeMutableBufferPointer { entries in
            let count = entries.count
            var parent = 0
            while true {
                var child = parent * 2 + 1
                if child >= count { break }
                if child + 1 < count, entries[child + 1].isBefore(entries[child]) { child += 1 }
                guard entries[child].isBefore(last) else { break }
                entries[parent] = entries[child]
                parent = child
            }
            entries[parent] = last
        }
        return first
    }
}
