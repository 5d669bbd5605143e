import Collab

/// Renders a parsed template: walks its statements, within ``TemplateLimits``.
///
/// One evaluator renders once. Everything a template can reach is a ``TemplateValue``: there is no way from a value
/// to the program's own objects, and no code is ever built from text.
final class TemplateEvaluator {
    let limits: TemplateLimits
    /// Seconds since 1970, for `strftime_now`.
    let now: () -> Int
    /// The line of the statement or expression at hand.
    var line = 1
    /// What a loop or a macro's call has written so far; the last is being written.
    private var outputs: [String] = [""]
    private var stepsLeft: Int
    private var bytesLeft: Int
    private let longestText: Int
    private var depth = 0
    /// Everything that could be part of a cycle of references, to be emptied at the end.
    private var namespaces: [TemplateNamespace] = []
    private var capturedScopes: [TemplateScope] = []

    /// - Parameter inputBytes: the size of the messages and other values given, on which the limits grow.
    init(limits: TemplateLimits, inputBytes: Int, now: @escaping () -> Int) {
        self.limits = limits
        self.now = now
        stepsLeft = limits.steps + 16 * inputBytes
        bytesLeft = limits.totalBytes + 64 * inputBytes
        longestText = limits.textBytes + inputBytes
    }

    /// The output of a whole template.
    func render(
        _ statements: [TemplateStatement],
        variables: [String: TemplateValue]
    ) throws(CollabError) -> String {
        defer {
            for namespace in namespaces { namespace.attributes.removeAll() }
            for scope in capturedScopes { scope.variables.removeAll() }
        }
        // Assignments go to a scope of their own, over the variables given and the built-in functions.
        let builtIns = TemplateScope(variables: Self.builtInFunctions)
        let given = TemplateScope(parent: builtIns, variables: variables)
        _ = try run(statements, TemplateScope(parent: given))
        return outputs[0]
    }

    // MARK: Limits

    /// An error at the line at hand.
    func failure(_ message: String, _ code: CollabError.Code = .invalidRequest) -> CollabError {
        .template(code, line: line, message)
    }

    /// Counts work.
    func step(_ count: Int = 1) throws(CollabError) {
        let before = stepsLeft
        stepsLeft -= count
        if stepsLeft < 0 { throw failure("the template takes too many steps", .unsupported) }
        if before >> 12 != stepsLeft >> 12 { try checkCancellation() }
    }

    /// Counts the work of going through a value's characters, elements or members.
    func step(over value: TemplateValue) throws(CollabError) {
        switch value {
        case .string(let text): try step(text.utf8.count / 16)
        case .list(let list): try step(list.elements.count / 8)
        case .mapping(let mapping): try step(mapping.count / 8)
        default: break
        }
    }

    /// Counts the work of using a value as a key, which reads all that a tuple holds.
    func step(hashing key: TemplateValue) throws(CollabError) {
        switch key {
        case .string: try step(over: key)
        case .list(let list) where list.kind == .tuple:
            // One more, since tuples that hold one tuple twice have few elements and are read many times.
            try step(1 + list.elements.count / 8)
            for element in list.elements { try step(hashing: element) }
        default: break
        }
    }

    /// A value as text that is gone through.
    func readText(_ value: TemplateValue) throws(CollabError) -> String {
        let text = try text(value)
        if value.string == nil { try step(over: .string(text)) }
        return text
    }

    /// Counts bytes of text that are about to be made.
    func reserve(text count: Int) throws(CollabError) {
        guard count <= longestText else {
            throw failure("the template makes text that is too long", .unsupported)
        }
        bytesLeft -= count
        if bytesLeft < 0 { throw failure("the template makes too much text", .unsupported) }
    }

    /// Counts elements of a list that is about to be made.
    func reserve(elements count: Int) throws(CollabError) {
        guard count <= longestText / 16 else {
            throw failure("the template makes a list that is too long", .unsupported)
        }
        bytesLeft -= 16 * count
        if bytesLeft < 0 { throw failure("the template makes too many lists", .unsupported) }
        try step(count / 8)
    }

    /// A list, if it does not nest too deep.
    func makeList(
        _ elements: [TemplateValue],
        kind: TemplateList.Kind = .list,
        names: [String] = []
    ) throws(CollabError) -> TemplateValue {
        try reserve(elements: elements.count)
        let list = TemplateList(elements, kind: kind, names: names)
        guard list.depth <= TemplateLimits.valueDepth else {
            throw failure("lists nest too deep", .unsupported)
        }
        return .list(list)
    }

    /// A mapping, if it does not nest too deep.
    func makeMapping(_ members: [(key: TemplateValue, value: TemplateValue)]) throws(CollabError)
        -> TemplateValue
    {
        try reserve(elements: 2 * members.count)
        for (key, _) in members {
            try step(hashing: key)
            if TemplateKey(key) == nil { throw failure("a \(key.typeName) cannot be a key") }
        }
        let mapping = TemplateMapping(members)
        guard mapping.depth <= TemplateLimits.valueDepth else {
            throw failure("mappings nest too deep", .unsupported)
        }
        return .mapping(mapping)
    }

    /// A namespace that is emptied when the rendering ends.
    func makeNamespace() -> TemplateNamespace {
        let namespace = TemplateNamespace()
        namespaces.append(namespace)
        return namespace
    }

    /// Goes one level deeper; the caller comes back by ``ascend()``.
    func descend() throws(CollabError) {
        guard depth < limits.depth else {
            throw failure("blocks, expressions or macros nest too deep", .unsupported)
        }
        depth += 1
    }

    /// Comes back from a level.
    func ascend() { depth -= 1 }

    // MARK: Output

    private func write(_ text: String) throws(CollabError) {
        try reserve(text: text.utf8.count)
        outputs[outputs.count - 1] += text
        guard outputs[outputs.count - 1].utf8.count <= longestText else {
            throw failure("the template writes too much", .unsupported)
        }
    }

    /// What some statements write.
    private func capture(
        _ statements: [TemplateStatement],
        _ scope: TemplateScope
    ) throws(CollabError) -> String {
        try capture { () throws(CollabError) in _ = try run(statements, scope) }
    }

    private func capture(_ body: () throws(CollabError) -> Void) throws(CollabError) -> String {
        outputs.append("")
        defer { outputs.removeLast() }
        try body()
        return outputs[outputs.count - 1]
    }

    // MARK: Statements

    /// How statements ended.
    enum Flow {
        case normal
        case break_
        case continue_
    }

    func run(_ statements: [TemplateStatement], _ scope: TemplateScope) throws(CollabError) -> Flow {
        try descend()
        defer { ascend() }
        for statement in statements {
            try step()
            line = statement.line
            let flow = try run(statement, scope)
            if flow != .normal { return flow }
        }
        return .normal
    }

    private func run(_ statement: TemplateStatement, _ scope: TemplateScope) throws(CollabError) -> Flow {
        switch statement.kind {
        case .text(let text):
            try write(text)
        case .output(let expression):
            try write(try text(try evaluate(expression, scope)))
        case .condition(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition, scope).isTrue {
                return try run(branch.body, scope)
            }
            return try run(otherwise, scope)
        case .loop(let loop):
            try run(loop, over: nil, scope, depth: 0)
        case .set(let target, let expression):
            try assign(try evaluate(expression, scope), to: target, scope)
        case .setBlock(let target, let filters, let body):
            let text = TemplateValue.string(try capture(body, TemplateScope(parent: scope)))
            try assign(try apply(filters, to: text, scope), to: target, scope)
        case .macro(let macro):
            capturedScopes.append(scope)
            scope.variables[macro.name] = .object(TemplateMacroValue(macro, scope: scope))
        case .call(let expression, let caller):
            try write(try text(try runCall(expression, caller: caller, scope)))
        case .filter(let filters, let body):
            let text = TemplateValue.string(try capture(body, TemplateScope(parent: scope)))
            try write(try self.text(try apply(filters, to: text, scope)))
        case .with(let assignments, let body):
            let inner = TemplateScope(parent: scope)
            for (target, value) in assignments { try assign(try evaluate(value, scope), to: target, inner) }
            return try run(body, inner)
        case .break_:
            return .break_
        case .continue_:
            return .continue_
        }
        return .normal
    }

    private func assign(
        _ value: TemplateValue,
        to target: TemplateTarget,
        _ scope: TemplateScope
    ) throws(CollabError) {
        switch target {
        case .name(let name):
            scope.variables[name] = value
        case .attribute(let owner, let name):
            guard case .object(let object)? = scope.find(owner), let namespace = object as? TemplateNamespace
            else {
                throw failure("“\(owner)” is no namespace, so “\(owner).\(name)” cannot be set")
            }
            namespace.attributes[name] = value
        case .tuple(let targets):
            let elements = try self.elements(of: value)
            guard elements.count == targets.count else {
                throw failure("\(elements.count) values cannot be assigned to \(targets.count) names")
            }
            for (target, element) in zip(targets, elements) { try assign(element, to: target, scope) }
        }
    }

    private func run(
        _ loop: TemplateLoop,
        over given: TemplateValue?,
        _ scope: TemplateScope,
        depth: Int
    ) throws(CollabError) {
        let sequence: TemplateValue
        if let given { sequence = given } else { sequence = try evaluate(loop.sequence, scope) }
        var elements = try self.elements(of: sequence)
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for element in elements {
                let inner = TemplateScope(parent: scope)
                try assign(element, to: loop.target, inner)
                if try evaluate(condition, inner).isTrue { kept.append(element) }
            }
            elements = kept
        }
        let state = TemplateLoopState(loop, elements: elements, scope: scope, depth: depth)
        // Jinja runs “else” unless some round came to its end, so a “break” in the first round counts as none.
        var isCompleted = false
        for (index, element) in elements.enumerated() {
            try step()
            state.index = index
            let inner = TemplateScope(parent: scope, variables: ["loop": .object(state)])
            try assign(element, to: loop.target, inner)
            let flow = try run(loop.body, inner)
            if flow == .break_ { break }
            if flow == .normal { isCompleted = true }
        }
        if !isCompleted { _ = try run(loop.otherwise, TemplateScope(parent: scope)) }
    }

    // MARK: Calls

    /// Calls a value.
    func call(_ callee: TemplateValue, _ arguments: TemplateCall) throws(CollabError) -> TemplateValue {
        try step()
        switch callee {
        case .object(let function as TemplateFunction):
            return try function.body(self, arguments)
        case .object(let macro as TemplateMacroValue):
            return .string(try run(macro, arguments, caller: nil))
        case .object(let state as TemplateLoopState) where state.loop.isRecursive:
            guard let sequence = arguments.positional.first, arguments.positional.count == 1 else {
                throw failure("loop(…) takes one argument")
            }
            return .string(
                try capture { () throws(CollabError) in
                    try run(state.loop, over: sequence, state.scope, depth: state.depth + 1)
                }
            )
        case .undefined(let name):
            throw failure("“\(name)” is not defined, so it cannot be called")
        default:
            throw failure("a \(callee.typeName) cannot be called")
        }
    }

    private func run(
        _ value: TemplateMacroValue,
        _ arguments: TemplateCall,
        caller: TemplateMacroValue?
    ) throws(CollabError) -> String {
        let macro = value.macro
        let scope = TemplateScope(parent: value.scope)
        if let caller { scope.variables["caller"] = .object(caller) }
        var known = arguments
        if macro.takesSurplusValues {
            let surplus = Array(arguments.positional.dropFirst(macro.parameters.count))
            known.positional = Array(arguments.positional.prefix(macro.parameters.count))
            scope.variables["varargs"] = try makeList(surplus, kind: .tuple)
        }
        if macro.takesUnknownNames {
            let names = Set(macro.parameters.map(\.name))
            let unknown = arguments.named.filter { !names.contains($0.name) }
            known.named = arguments.named.filter { names.contains($0.name) }
            scope.variables["kwargs"] = try makeMapping(unknown.map { (.string($0.name), $0.value) })
        }
        let values = try known.bind(macro.parameters.map(\.name), for: "the macro “\(macro.name)”", self)
        for (parameter, value) in zip(macro.parameters, values) {
            if let value {
                scope.variables[parameter.name] = value
            } else if let fallback = parameter.fallback {
                scope.variables[parameter.name] = try evaluate(fallback, scope)
            } else {
                scope.variables[parameter.name] = .undefined(name: parameter.name)
            }
        }
        return try capture(macro.body, scope)
    }

    /// `{% call f(…) %}`: calls a macro that may call the block back by `caller()`.
    private func runCall(
        _ expression: TemplateExpression,
        caller: TemplateMacro,
        _ scope: TemplateScope
    ) throws(CollabError) -> TemplateValue {
        guard case .postfix(let base, let postfixes) = expression.kind,
            case .call(let arguments)? = postfixes.last
        else {
            throw failure("“call” needs a call")
        }
        let callee = try apply(postfixes.dropLast(), to: try evaluate(base, scope), scope)
        guard case .object(let macro as TemplateMacroValue) = callee else {
            throw failure("“call” needs a macro, not a \(callee.typeName)")
        }
        capturedScopes.append(scope)
        let block = TemplateMacroValue(caller, scope: scope)
        return .string(try run(macro, try evaluate(arguments, scope), caller: block))
    }
}
