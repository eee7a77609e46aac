"""A client written with the official Python SDK: `sdk_client.py PLAN`.

The plan is JSON: `{server: {url} | {command, args, cwd?}, mode, calls: [{tool, arguments, answers}]}`, where
`mode` is the SDK's (`legacy`, `auto`, a revision) and `answers` are those of a person, in order: an action
or the content of an accepted form. Text `$key` in arguments stands for what an earlier result said under
that key in its structured content. Prints one JSON object: what the client saw, of the tools after the
calls.
"""

import asyncio
import json
import sys

import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def follow(plan):
    answers, questions, logged = [], [], []

    async def asked(context, params):
        questions.append(params.model_dump(mode="json", by_alias=True, exclude_none=True))
        answer = answers.pop(0)
        if isinstance(answer, str):
            return types.ElicitResult(action=answer)
        return types.ElicitResult(action="accept", content=answer)

    async def log(params):
        logged.append(params.data)

    server = plan["server"]
    reached = server["url"] if "url" in server else StdioServerParameters(**server)
    elicits = {"elicitation_callback": asked} if plan.get("elicits", True) else {}
    seen = {"results": []}
    async with Client(reached, mode=plan["mode"], logging_callback=log, **elicits) as client:
        seen["protocol"] = client.protocol_version
        seen["server"] = client.server_info and client.server_info.name
        seen["instructions"] = client.instructions
        known = {}
        for call in plan["calls"]:
            progress = []

            async def reported(done, total, message):
                progress.append({"progress": done, "total": total, "message": message})

            answers[:] = call.get("answers", [])
            arguments = {
                name: known[value[1:]] if isinstance(value, str) and value.startswith("$") else value
                for name, value in call["arguments"].items()
            }
            result = await client.call_tool(call["tool"], arguments, progress_callback=reported)
            result = result.model_dump(mode="json", by_alias=True, exclude_none=True)
            known.update(result.get("structuredContent", {}))
            seen["results"].append(
                {"result": result, "progress": progress, "questions": list(questions), "logged": list(logged)}
            )
            questions.clear()
            logged.clear()
        # After the calls: servers that these waited for are there.
        listed = await client.list_tools(cache_mode="refresh")
        seen["tools"] = [
            tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools
        ]
    return seen


print(json.dumps(asyncio.run(follow(json.loads(sys.argv[1])))))
