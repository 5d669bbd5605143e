/// What counts as one vector where a merge looks at directions and angles.
public enum VectorScope: String, Hashable, Sendable, Codable {
    /// A tensor, flattened.
    case tensor
    /// Each row of a matrix, that is, each run along a tensor's last dimension; a tensor of one dimension is one row.
    case rows
    /// Each column of a matrix, that is, each run along a tensor's first dimension.
    case columns

    /// How a tensor falls apart into vectors.
    func division(of tensor: TensorDescription) -> VectorDivision {
        let count = max(1, tensor.elementCount)
        switch self {
        case .tensor: return .runs(length: count, count: 1)
        case .rows:
            let length = max(1, tensor.shape.last ?? 1)
            return .runs(length: length, count: count / length)
        case .columns:
            if tensor.shape.count <= 1 { return .runs(length: count, count: 1) }
            return .strided(count: max(1, count / max(1, tensor.shape[0])))
        }
    }
}

/// The vectors of a tensor.
enum VectorDivision: Sendable {
    /// Vectors of a length, one behind the other.
    case runs(length: Int, count: Int)
    /// So many vectors, of which each has every `count`-th element.
    case strided(count: Int)

    /// How many vectors there are.
    var count: Int {
        switch self {
        case .runs(_, let count), .strided(let count): count
        }
    }

    /// Goes through the parts of vectors that lie in a range of elements, in order; the part's range is counted from
    /// the range's start.
    func forEachRun(of elements: Range<Int>, _ body: (_ vector: Int, _ part: Range<Int>) -> Void) {
        switch self {
        case .runs(let length, _):
            var start = elements.lowerBound
            while start < elements.upperBound {
                let end = min((start / length + 1) * length, elements.upperBound)
                body(start / length, (start - elements.lowerBound)..<(end - elements.lowerBound))
                start = end
            }
        case .strided(let count):
            for place in 0..<elements.count {
                body((elements.lowerBound + place) % count, place..<(place + 1))
            }
        }
    }
}
