import Collab

/// Where the rows of queries and keys stand in files that rotate neighbours rather than halves of a head.
///
/// Pair i of a head is rows i and i + d/2 with transformers, rows 2i and 2i + 1 in GGUF files of Llama's kin.
struct RowOrder: Hashable, Sendable {
    /// The rows of a head.
    var headDimension: Int
    /// Whether pairs are to become neighbours; otherwise neighbours become halves.
    var pairsNeighbours: Bool

    /// Which row of the source comes to stand at a place.
    func source(of row: Int) -> Int {
        let (head, place) = row.quotientAndRemainder(dividingBy: headDimension)
        let half = headDimension / 2
        let from = pairsNeighbours ? place % 2 * half + place / 2 : place % half * 2 + place / half
        return head * headDimension + from
    }

    /// A copy of stored rows in their new order.
    func applied(to storage: TensorStorage, rows: Int) -> TensorStorage? {
        guard rows > 0, storage.bytes.count % rows == 0 else { return nil }
        let size = storage.bytes.count / rows
        let copy = MovedRows(byteCount: storage.bytes.count)
        storage.withBytes { bytes in
            for row in 0..<rows {
                let source = UnsafeRawBufferPointer(
                    rebasing: bytes[self.source(of: row) * size..<(self.source(of: row) + 1) * size]
                )
                UnsafeMutableRawBufferPointer(rebasing: copy.bytes[row * size..<(row + 1) * size]).copyMemory(
                    from: source
                )
            }
        }
        return TensorStorage(format: storage.format, bytes: UnsafeRawBufferPointer(copy.bytes), owner: copy) {
            () throws(CollabError) in try storage.checkUnchanged()
        }
    }
}

/// Bytes that live as long as somebody reads them.
private final class MovedRows: @unchecked Sendable {
    // Sendable: written once, before anybody else can see it.
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 64) }

    deinit { bytes.deallocate() }
}
