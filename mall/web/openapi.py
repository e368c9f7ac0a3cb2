"""Finish the OpenAPI document: who may call, which key, what refusals look like, an example of all."""

import re
from typing import Any

import orjson
from flask import Flask

from mall.web.fields import a_uuid
from mall.web.problems import of_status

PROBLEM = "application/problem+json"
_METHODS = ("get", "post", "put", "delete", "patch")
_PARAMETER = re.compile(r"<(?:[a-z]+:)?([a-z_]+)>")

# What stands in examples where a field of that name gives none of its own.
WORDS: dict[str, Any] = {
    "address": {
        "recipient": "陈小湛",
        "phone": "13800000001",
        "region_code": "440802",
        "region": "广东省湛江市赤坎区",
        "detail": "跃进路 1 号",
    },
    "actor": "system",
    "attributes": [{"name": "产地", "value": "广东省湛江市徐闻县"}],
    "available": 120,
    "brand": "徐闻味道",
    "brief": "火山红土，姜香浓郁",
    "cancel_reason": "payment_timeout",
    "changes": ["price_changed"],
    "charge_by": "piece",
    "code": "LJ-500",
    "code_url": "weixin://wxpay/bizpayurl?pr=a1B2c3D4e5F6",
    "cursor": "MTEyMDA6MDE5YTNjNWUwMDAwNzAwMDgwMDAwMDAwMDAwMDAwMDE=",
    "delivery_modes": ["ship"],
    "description": "徐闻火山红土种植，切片低温烘干。",
    "detail": "跃进路 1 号",
    "image_url": "/media/3f/3fa4c1.webp",
    "image_urls": ["/media/3f/3fa4c1.webp"],
    "keywords": ["良姜", "高良姜"],
    "name": "徐闻县良姜种植专业合作社",
    "next_cursor": None,
    "note": "请在工作日送货",
    "options": [{"name": "规格", "value": "500g"}],
    "order_no": "D261124K7Q2M9X4TB",
    "out_trade_no": "P261124K7Q2M9X4TB",
    "parent_code": "440000",
    "pay_parameters": {
        "appId": "wxd930ea5d5a258f4f",
        "timeStamp": "1795507200",
        "nonceStr": "ibuaiVcKdpRxkhJA",
        "package": "prepay_id=wx24160000000000000000000000000000",
        "signType": "MD5",
        "paySign": "9A0A8659F005D6984697E2CA0A9CF3B7",
    },
    "q": "良姜",
    "reason": "盘点",
    "regions": ["440000"],
    "scope_name": "端午选品",
    "sort": "newest",
    "supplier_name": "徐闻县良姜种植专业合作社",
    "title": "徐闻良姜片",
    "unit": "袋",
    "value": "500g",
}
_NOTICE = (
    "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>"
    "<out_trade_no>P261124K7Q2M9X4TB</out_trade_no><total_fee>1</total_fee>…<sign>…</sign></xml>"
)
_NOTICE_ANSWER = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"


def example_of(schema: dict[str, Any], schemas: dict[str, Any], name: str = "") -> Any:
    """Return an example of a schema: its own, or one made of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "example" in schema:
        return schema["example"]
    for whole in ("anyOf", "allOf", "oneOf"):
        if whole in schema:
            return example_of(schema[whole][0], schemas, name)
    if name in WORDS:
        return WORDS[name]
    kinds = schema.get("type", "object")
    kind = next(each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null")
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: example_of(each, schemas, key) for key, each in properties.items()}
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, name)]
    return _plain_example(kind, schema)


def _plain_example(kind: str, schema: dict[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if kind == "string":
        formats = {"uuid": str(a_uuid()), "date-time": "2026-11-24T08:00:00Z"}
        return formats.get(schema.get("format", ""), "文本")
    return True if kind == "boolean" else schema.get("minimum", 1)


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    entry = {"field": text, "detail_zh": text, "detail_en": text}
    return {
        "type": "object",
        "description": "RFC 9457; clients match on `code`, never on text",
        "required": ["type", "title", "status", "code", "detail", "detail_zh", "detail_en"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": text,
            "detail": {"type": "string", "description": "In the language of Accept-Language"},
            "detail_zh": text,
            "detail_en": text,
            "field": {"type": "string", "description": "The input it is about"},
            "reason": {"type": "string", "description": "Why, where a code has many reasons"},
            "errors": {"type": "array", "items": {"type": "object", "properties": entry}},
        },
    }


def _problem_reply(status: str, description: str) -> dict[str, Any]:
    code, words = of_status(int(status))
    example: dict[str, Any] = {
        "type": f"urn:mall:problem:{code}",
        "title": words.zh,
        "status": int(status),
        "code": code,
        "detail": words.zh,
        "detail_zh": words.zh,
        "detail_en": words.en,
    }
    if status == "422":
        wrong = {"field": "quantity", "detail_zh": "不能小于 1。"}
        wrong["detail_en"] = "Must be greater than or equal to 1."
        example |= {"field": "quantity", "errors": [wrong]}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {PROBLEM: {"schema": schema, "example": example}},
    }


_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "One key, one effect: a repeat within 24 h gets the first answer",
    "example": "019a3c5e-7c1a-7b4e-9d1f-2f6f0a8f1c11",
}


def _finish_parameters(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        schema = parameter["schema"]
        if schema.pop("nullable", False) and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        if "example" not in parameter:
            parameter["example"] = example_of(schema, {}, parameter["name"])


def _add_common_refusals(operation: dict[str, Any], responses: dict[str, Any]) -> None:
    """Add what any operation of this shape may answer."""
    parameters = operation.get("parameters", [])
    responses.setdefault("503", {"description": "The database does not answer at the moment"})
    if any(each["in"] == "path" for each in parameters):
        responses.setdefault("404", {"description": "There is none, or it is another's"})
    if any(each["in"] == "query" for each in parameters):
        responses.setdefault("404", {"description": "Something it names is not there"})
        responses.setdefault("422", {"description": "A parameter is wrong"})
    if "requestBody" in operation:
        responses.setdefault("400", {"description": "The body cannot be read"})
        responses.setdefault("404", {"description": "Something it names is not there"})
        responses.setdefault("413", {"description": "The body is too large"})
        responses.setdefault("415", {"description": "The body is of another media type"})
        responses.setdefault("422", {"description": "A value is wrong"})


def _finish_operation(
    operation: dict[str, Any], method: str, view: Any, schemas: dict[str, Any]
) -> None:
    responses = operation["responses"]
    _describe_files(operation, view)
    if getattr(view, "_is_public", False):
        operation["security"] = []
    # A public address, too, looks at a token that comes along.
    responses.setdefault("401", {"description": "Not signed in, or no longer"})
    declared = getattr(view, "_declared", None)
    refused = declared.refusal if declared else "A token of another audience"
    responses.setdefault("403", {"description": refused})
    if method != "get":
        responses.setdefault("409", {"description": "Not as things are"})
    if getattr(view, "_takes_key", False):
        operation.setdefault("parameters", []).append(dict(_KEY))
        responses.setdefault("400", {"description": "No Idempotency-Key"})
    _add_common_refusals(operation, responses)
    for status, reply in list(responses.items()):
        if int(status) >= 400:
            responses[status] = _problem_reply(status, reply["description"])
    _finish_parameters(operation)
    bodies = [operation.get("requestBody", {}), *responses.values()]
    for media in (each for body in bodies for each in body.get("content", {}).values()):
        if "example" not in media:
            media["example"] = example_of(media.get("schema", {}), schemas)


def _notice_bodies(paths: dict[str, Any]) -> None:
    """Describe WeChat's notice, which is XML."""
    notice = paths["/v1/webhooks/wechat/pay"]["post"]
    xml = {"type": "string"}
    notice["requestBody"] = {"content": {"text/xml": {"schema": xml, "example": _NOTICE}}}
    notice["responses"]["200"]["content"] = {"text/xml": {"schema": xml, "example": _NOTICE_ANSWER}}


def _describe_files(operation: dict[str, Any], view: Any) -> None:
    """Describe a body or a reply that is a file."""
    binary = {"schema": {"type": "string", "format": "binary"}, "example": "(the file)"}
    taken, given = getattr(view, "_takes_file", None), getattr(view, "_gives_file", None)
    if taken:
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(taken, binary)}
        operation["responses"].setdefault("413", {"description": "The file is too large"})
    if given:
        operation["responses"]["200"] = {
            "description": "The file",
            "content": dict.fromkeys(given, binary),
        }


def _merge_twins(spec: dict[str, Any]) -> dict[str, Any]:
    """Drop the second copy of a schema that the framework met nested and by itself."""
    schemas = spec["components"]["schemas"]
    twins = [
        name for name in schemas if name[-1] == "1" and schemas.get(name[:-1]) == schemas[name]
    ]
    text = orjson.dumps(spec).decode()
    for name in twins:
        text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{name[:-1]}"')
    merged: dict[str, Any] = orjson.loads(text)
    for name in twins:
        del merged["components"]["schemas"][name]
    return merged


def _name_operations(app: Flask, paths: dict[str, Any]) -> None:
    """Give each operation the name that the journal knows it by: that of its endpoint.

    Where an endpoint has two paths, the one with more parts says which.
    """
    for rule in app.url_map.iter_rules():
        path = _PARAMETER.sub(r"{\1}", rule.rule)
        fewest = min(len(each.arguments) for each in app.url_map.iter_rules(rule.endpoint))
        more = "" if len(rule.arguments) == fewest else "_of_" + "_".join(sorted(rule.arguments))
        for method in rule.methods or ():
            operation = paths.get(path, {}).get(method.lower())
            if operation is not None:
                operation["operationId"] = rule.endpoint + more


def finish(app: Flask, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the document with what the framework cannot know."""
    spec = _merge_twins(spec)
    schemas = spec["components"]["schemas"]
    for name in ("HTTPError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _problem_schema()
    spec["tags"] = list({tag["name"]: tag for tag in spec.get("tags", [])}.values())
    views = {
        (_PARAMETER.sub(r"{\1}", rule.rule), method.lower()): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    _notice_bodies(spec["paths"])
    _name_operations(app, spec["paths"])
    for path, methods in spec["paths"].items():
        for method in _METHODS:
            if method in methods:
                _finish_operation(methods[method], method, views[path, method], schemas)
    return spec
