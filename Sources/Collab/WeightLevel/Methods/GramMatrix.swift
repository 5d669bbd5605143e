internal import CollabKernels

/// The inner products of several vectors with one another: all that angles, norms and means on the sphere depend on.
struct GramMatrix: Sendable {
    /// How many vectors there are.
    let count: Int
    /// The products, row by row.
    var products: [Double]

    init(count: Int) {
        self.count = count
        products = [Double](repeating: 0, count: count * count)
    }

    subscript(row: Int, column: Int) -> Double {
        get { products[row * count + column] }
        set { products[row * count + column] = newValue }
    }

    /// The length of a vector.
    func norm(_ index: Int) -> Double { max(0, self[index, index]).squareRoot() }

    /// The inner product of two linear combinations of the vectors.
    func product(_ left: [Double], _ right: [Double]) -> Double {
        var sum = 0.0
        for row in 0..<count {
            for column in 0..<count { sum += left[row] * self[row, column] * right[column] }
        }
        return sum
    }

    /// The matrix after each vector has been multiplied by a factor.
    func scaled(by factors: [Double]) -> GramMatrix {
        var matrix = self
        for row in 0..<count {
            for column in 0..<count { matrix[row, column] *= factors[row] * factors[column] }
        }
        return matrix
    }

    /// Adds the products of parts of the vectors.
    fileprivate mutating func add(_ vectors: [UnsafeBufferPointer<Float>], _ part: Range<Int>) {
        for row in 0..<count {
            let left = UnsafeBufferPointer(rebasing: vectors[row][part])
            for column in row..<count {
                let right = UnsafeBufferPointer(rebasing: vectors[column][part])
                let product = part.count == 1 ? Double(left[0]) * Double(right[0]) : Self.product(left, right)
                self[row, column] += product
                if row != column { self[column, row] += product }
            }
        }
    }

    private static func product(_ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>) -> Double {
        MergeArithmetic.products(a, b).ab
    }
}

extension TensorInputs {
    /// The inner products of the members' vectors, or of their task vectors if there is a base; one matrix a vector.
    func gramMatrices(_ division: VectorDivision) throws(CollabError) -> [GramMatrix] {
        var matrices = [GramMatrix](repeating: GramMatrix(count: members.count), count: division.count)
        try forEachVectorSlice { vectors, elements in
            division.forEachRun(of: elements) { matrices[$0].add(vectors, $1) }
        }
        return matrices
    }

    /// Reads the members, or their task vectors if there is a base, slice by slice, in order.
    func forEachVectorSlice(
        _ body: (_ vectors: [UnsafeBufferPointer<Float>], _ elements: Range<Int>) -> Void
    ) throws(CollabError) {
        let block = min(Self.blockSize, tensor.elementCount)
        let memory = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: base == nil ? 0 : block * members.count
        )
        defer { memory.deallocate() }
        try forEachSlice { (slice) throws(CollabError) in
            var vectors = slice.members
            if slice.base != nil { vectors = slice.deltas(in: memory) }
            body(vectors, slice.elements)
        }
    }
}
