import CollabBackends

/// A tensor as one line of a table.
struct TensorLine {
    var name: String
    var type: String
    var shape: [Int]
    var elementCount: Int
    var byteCount: Int

    init(_ tensor: GGUFTensor) {
        name = tensor.name
        type = tensor.type.name
        shape = tensor.shape
        elementCount = tensor.elementCount
        byteCount = tensor.byteCount
    }

    init(_ tensor: SafetensorsTensor) {
        name = tensor.name
        type = tensor.type.rawValue
        shape = tensor.shape
        elementCount = tensor.elementCount
        byteCount = tensor.byteCount
    }

    /// The shape as `49152 × 576`, slowest-varying extent first.
    var shapeText: String { shape.isEmpty ? "one" : shape.map(String.init).joined(separator: " × ") }

    /// The name with its first number replaced by `*`, and that number: `blk.*.attn_q.weight` and 7.
    var pattern: (name: String, layer: Int?) {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let place = parts.firstIndex(where: { Int($0) != nil }), let layer = Int(parts[place]) else {
            return (name, nil)
        }
        parts[place] = "*"
        return (parts.joined(separator: "."), layer)
    }
}

/// Numbers as ranges: `0–5, 8, 10–11`.
func ranges(_ numbers: [Int]) -> String {
    var spans: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
        if let last = spans.last, number == last.upperBound + 1 {
            spans[spans.count - 1] = last.lowerBound...number
        } else if spans.last?.contains(number) != true {
            spans.append(number...number)
        }
    }
    return spans.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }.joined(
        separator: ", "
    )
}
